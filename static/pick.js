/* Products are chosen in Shopify's own picker where a field names them. Typing works as before. */
(() => {
  const GID = "gid://shopify/Product/";
  const form = (node) => node.closest("form");
  const now = (field) => field?.values ?? [field?.value ?? ""];

  /* What may be picked depends on another field: `data-when` names it, `data-equals` says what it must be. */
  function show() {
    for (const place of document.querySelectorAll("[data-when]"))
      place.hidden = !now(doorstep.field(form(place), place.dataset.when)).includes(place.dataset.equals);
  }

  document.addEventListener("click", async (event) => {
    const button = event.composedPath().find((node) => node.matches?.("[data-pick]"));
    if (!button) return;
    const { pick, as, most = "1" } = button.dataset;
    const into = doorstep.field(form(button), pick);
    const written = into.value.split(/[\s,]+/).filter(Boolean);
    const options = { type: "product", action: "select", filter: { variants: false }, multiple: Number(most) > 1 && Number(most) };
    if (as === "id") options.selectionIds = written.filter((each) => /^\d+$/.test(each)).map((each) => ({ id: GID + each }));
    let chosen;
    try { chosen = await shopify.resourcePicker(options); } catch {
      return void doorstep.say("Shopify's list of products did not open. Type what you want instead.", true);
    }
    if (!chosen?.length) return; // closed: what was there stays
    const found = chosen.map((each) => (as === "id" ? each.id.replace(GID, "") : each.handle));
    into.value = (as === "id" || most === "1" ? found : [...new Set([...written, ...found])]).join(", ");
    into.setAttribute("details", chosen.map((each) => each.title).join(", "));
    const comparison = button.dataset.comparison && doorstep.field(form(button), button.dataset.comparison);
    if (comparison) comparison.value = "contains";
    into.dispatchEvent(new Event("input", { bubbles: true }));
    into.dispatchEvent(new Event("change", { bubbles: true }));
  });

  document.addEventListener("change", show);
  document.addEventListener("doorstep:page", show);
  show();
})();
