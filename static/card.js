/* What the chosen size has no room for is said at its field as soon as the preview knows it. */
(() => {
  function show() {
    const told = document.querySelector("[data-unprinted]");
    const names = told ? told.dataset.unprinted.split(" ") : [];
    for (const note of document.querySelectorAll("[data-unprinted-field]"))
      note.hidden = !names.includes(note.dataset.unprintedField);
  }

  document.addEventListener("doorstep:preview", show);
  document.addEventListener("doorstep:page", show);
  show();
})();
