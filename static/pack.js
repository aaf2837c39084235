/* The packing station: a hand scanner types and presses Enter, faster than an answer comes. The fields are free at once; the
   pairs are tied one after the other, and what could not be tied stays on the page until both have been scanned anew. */
(() => {
  const form = () => document.querySelector("form[data-scan]");
  const put = (name) => doorstep.field(form(), name);
  let before = Promise.resolve(), last = "";

  function aim(name = "card") { if (form()) put(name).focus(); }

  function enter(at) {
    const card = put("card").value.trim(), order = put("order").value.trim();
    if (card === last && !order) { put("card").value = ""; return aim(); } // the order was scanned twice
    if (!card || (!order && at !== "order")) return aim(card ? "order" : "card");
    if (!order) return aim("order");
    if (order === card) { put("order").value = ""; return aim("order"); } // the scanner was pressed twice
    put("card").value = put("order").value = "";
    last = order;
    aim();
    const action = form().getAttribute("action");
    before = before.then(() => tie(action, card, order));
  }

  async function tie(action, card, order) {
    const body = new FormData();
    body.set("card", card);
    body.set("order", order);
    try {
      const reply = await doorstep.ask(action, { method: "POST", body, headers: { Accept: "application/json" } });
      const answer = await reply.json();
      if (!reply.ok) {
        wrong(card, answer.next ? "" : order, Object.values(answer.errors || {}).join(" ") || answer.message);
        if (answer.next) resume(answer.next);
        return;
      }
      doorstep.say(answer.toast);
      const rows = document.getElementById("tied");
      if (rows) rows.innerHTML = answer.html;
    } catch {
      wrong(card, order, "The connection failed.");
    }
  }

  /* Two cards came one after the other: the second waits for its order, which may stand in the first field by now. */
  function resume(card) {
    if (put("order").value.trim()) return; // a pair is being scanned: it stands
    const typed = put("card").value.trim();
    put("card").value = card;
    aim("order");
    if (typed) { put("order").value = typed; enter("order"); }
  }

  function wrong(card, order, why) {
    const place = document.getElementById("not-tied"), line = document.createElement("s-paragraph");
    if (!place) return;
    line.textContent = order ? `${card.slice(-13)} and ${order}: ${why} Scan both again.` : `${card.slice(-13)}: ${why}`;
    place.querySelector("[data-lines]").append(line);
    place.hidden = false;
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    const at = event.composedPath().find((node) => node.matches?.("form[data-scan] [name]"));
    if (!at) return;
    event.preventDefault();
    event.stopPropagation();
    enter(at.getAttribute("name"));
  }, true);
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-scan]")) return;
    event.preventDefault();
    enter("order");
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-seen]")) return;
    document.querySelector("#not-tied [data-lines]").replaceChildren();
    document.getElementById("not-tied").hidden = true;
    aim();
  });
  document.addEventListener("doorstep:page", () => aim());
  aim();
})();
