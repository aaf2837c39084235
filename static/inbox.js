/* The inbox: drafts kept while they are typed, texts put into the answer, and every action by a key. */
(() => {
  const typing = (event) => event.composedPath().some((node) => /^(INPUT|TEXTAREA|SELECT|S-TEXT-AREA|S-TEXT-FIELD|S-SEARCH-FIELD|S-SELECT)$/.test(node.tagName || "") || node.isContentEditable);
  const answer = () => document.querySelector("form[data-draft] s-text-area");
  const value = (form, name) => window.doorstep.field(form, name)?.value || "";
  let waiting;

  async function keep(form) {
    const body = new FormData();
    for (const name of ["text", "point"]) body.set(name, value(form, name));
    try { await doorstep.ask(form.dataset.draft, { method: "POST", body }); } catch { /* the next key tries again; the text is in the field */ }
  }
  const soon = (form) => { clearTimeout(waiting); waiting = setTimeout(() => form.isConnected && keep(form), 800); };
  document.addEventListener("input", (event) => { const form = event.target.closest?.("form[data-draft]"); if (form && !event.target.matches("[data-search]")) soon(form); });
  document.addEventListener("submit", () => clearTimeout(waiting), true);

  document.addEventListener("click", (event) => {
    const put = event.target.closest?.("[data-insert]");
    const field = answer();
    if (put && field) {
      const before = field.value || "", text = put.dataset.insert;
      field.value = before + (before && !/\s$/.test(before) && text.length > 2 ? "\n" : "") + text;
      field.focus();
      soon(field.closest("form"));
    }
    if (event.target.closest?.("[data-keys-open]")) help();
    const more = event.target.closest?.("[data-more]");
    if (more) unfold(more.closest(".composer"), more.getAttribute("aria-expanded") !== "true");
    const product = event.target.closest?.("[data-card]");
    if (product) show(product.closest("form"), product.dataset);
    if (event.target.closest?.("[data-card-off]")) show(event.target.closest("form"), null);
    const way = event.target.closest?.("[data-way]"), by = way && document.querySelector('form[data-draft] [name="point"]');
    if (by) {
      by.value = way.dataset.way;
      by.dispatchEvent(new Event("change", { bubbles: true }));
      field.focus();
    }
  });

  function unfold(box, open) {
    box.classList.toggle("open", open);
    const more = box.querySelector("[data-more]");
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? "Less" : "More";
  }

  /* A product goes as a card beside the words, or alone: then nothing need be typed. */
  function show(form, product) {
    const box = form.querySelector(".product-card"), picture = box.querySelector("img");
    box.hidden = !product;
    box.querySelector('[name="product"]').value = product?.card || "";
    box.querySelector("strong").textContent = product?.title || "";
    box.querySelector("span").textContent = product?.price || "";
    picture.hidden = !product?.picture;
    if (product?.picture) picture.src = product.picture;
    const code = box.querySelector('[name="percentage"]');
    if (code && !product) code.value = "";
    form.querySelector("s-text-area").toggleAttribute("required", !product);
    form.querySelector("details[open][data-load]")?.removeAttribute("open");
    unfold(form.closest(".composer"), false);
    if (product) box.scrollIntoView({ block: "nearest" });
  }

  /* What stands beside a conversation comes after it; drawn anew, the page shows what it had until the new is there. */
  const parts = new Map();
  function fill() {
    for (const part of document.querySelectorAll("[data-part]")) {
      const address = part.dataset.part;
      if (parts.has(address)) part.innerHTML = parts.get(address);
      doorstep.ask(address).then(async (reply) => {
        if (!reply.ok) throw new Error(String(reply.status));
        const html = await reply.text();
        parts.clear();
        parts.set(address, html);
        if (part.isConnected && part.innerHTML !== html) part.innerHTML = html;
      }).catch(() => { if (!parts.has(address)) part.textContent = "The order cannot be fetched just now. Reload the page to try again."; });
    }
  }
  document.addEventListener("doorstep:page", fill);

  /* On a phone the newest message stands above the answer, as in any chat. */
  function toNewest() {
    if (matchMedia("(max-width: 640px)").matches) setTimeout(() => {
      const answer = document.querySelector(".composer"), thread = document.querySelector(".thread");
      if (!answer || !thread) return;
      thread.style.scrollMarginBottom = `${answer.offsetHeight + 12}px`;
      thread.scrollTop = thread.scrollHeight;
      thread.scrollIntoView({ block: "end" });
    }, 120);
  }
  document.addEventListener("doorstep:page", toNewest);

  let turn = 0, searching;
  async function load(box) {
    const place = box.querySelector(".loaded"), mine = ++turn, wanted = box.querySelector("[data-search]")?.value || "";
    try {
      const reply = await doorstep.ask(`${box.dataset.load}${wanted && `${box.dataset.load.includes("?") ? "&" : "?"}q=${encodeURIComponent(wanted)}`}`);
      if (mine === turn) place.innerHTML = reply.ok ? await reply.text() : "";
    } catch { place.textContent = "This cannot be fetched just now. Close it and try again."; }
  }
  document.addEventListener("toggle", ({ target }) => target.matches?.("details[data-load][open]") && load(target), true);
  document.addEventListener("input", ({ target }) => {
    if (!target.matches?.("[data-search]")) return;
    clearTimeout(searching);
    searching = setTimeout(() => load(target.closest("details")), 300);
  });

  /* A value of a template that is changed is seen where the shopper will read it. */
  document.addEventListener("input", ({ target }) => {
    const offer = target.closest?.("form.offer"), said = offer?.querySelector(".said");
    if (!said) return;
    const values = [...offer.querySelectorAll("s-text-field")].map((one) => one.value || `[${one.getAttribute("placeholder") || one.getAttribute("label")}]`);
    said.textContent = said.dataset.body.replace(/\{\{(\d+)\}\}/g, (gap, number) => values[number - 1] ?? gap);
  });

  /* A picture can be chosen only where the channel takes one. */
  document.addEventListener("change", ({ target }) => {
    const box = target.getAttribute?.("name") === "point" && target.closest("form")?.querySelector(".picture");
    if (!box) return;
    const may = box.dataset.ways.split(" ").includes(target.value);
    box.querySelector(".none").hidden = may;
    box.querySelector("label").hidden = !may;
    box.querySelector("input").disabled = !may;
  });

  /* Notifications are asked for by a button, in a window of our own: browsers let no page inside another ask. */
  const may = () => "Notification" in window && Notification.permission === "granted";
  let newest = null;
  async function news() {
    if (!may()) return;
    try {
      const known = newest, told = await (await doorstep.ask("/app/conversations/news")).json();
      newest = told.newest;
      if (known === null || newest <= known || !document.hidden) return;
      const note = new Notification("A shopper has written", { body: `${told.unread} unread`, tag: "doorstep" });
      note.onclick = () => { window.focus(); doorstep.go("/app/conversations?view=unread"); note.close(); };
    } catch { /* the next news tries again */ }
  }
  function offer() {
    const button = document.querySelector("[data-notify]");
    if (button) button.hidden = !("Notification" in window) || Notification.permission !== "default";
  }
  document.addEventListener("click", (event) => event.target.closest?.("[data-notify]") && window.open("/notify", "doorstep-notify", "width=480,height=420"));
  addEventListener("focus", () => { offer(); news(); });
  setInterval(() => document.hidden && !document.heard && news(), 30000);

  function help() {
    const dialog = document.getElementById("keys");
    if (!dialog || dialog.open) return;
    const list = dialog.querySelector("[data-keys]");
    const known = [...document.querySelectorAll("[data-key]")].map((node) => [node.dataset.key, node.dataset.does]);
    if (document.querySelector(".talks")) known.push(["j / k", "Next, previous conversation"], ["Enter", "Open it"]);
    else known.push(["u", "Back to the list"], ["Ctrl + Enter", "Send the answer"]);
    list.replaceChildren(...known.flatMap(([key, does]) => [Object.assign(document.createElement("dt"), { textContent: key }), Object.assign(document.createElement("dd"), { textContent: does })]));
    dialog.showModal();
  }

  function move(by) {
    const rows = [...document.querySelectorAll(".talks a")];
    if (!rows.length) return false;
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by))].focus();
    return true;
  }

  function press(node) {
    if (node.closest(".composer .extra")) unfold(node.closest(".composer"), true);
    if (node.tagName === "S-BUTTON") return void node.closest("form").requestSubmit();
    if (node.tagName === "SUMMARY") return void node.click();
    node.focus();
    node.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form[data-draft]");
    if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); return void form.requestSubmit(); }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event) || document.querySelector("dialog[open]")) return;
    if (!document.getElementById("keys")) return;
    const node = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
    if (node) press(node);
    else if (event.key === "?") help();
    else if (event.key === "u" && document.querySelector(".thread")) doorstep.go("/app/conversations");
    else if (!((event.key === "j" && move(1)) || (event.key === "k" && move(-1)))) return;
    event.preventDefault();
  });

  /* News as they happen, where the shop's server has a stream: it says only that something is new, the page then asks. */
  let line = null, again = 1, looked = 0, looking;
  /* A sending shop has news by the second: look at once, then once in a while, and never miss the last. */
  function soonLook() {
    clearTimeout(looking);
    looking = setTimeout(() => { looked = Date.now(); document.onnews?.(); news(); }, Math.max(0, looked + 1500 - Date.now()));
  }
  async function listen() {
    const address = document.querySelector("[data-stream]")?.dataset.stream;
    if (!address || line || (document.hidden && !may()) || !window.shopify?.idToken) return;
    const mine = (line = new AbortController());
    try {
      const token = await shopify.idToken();
      const reply = await fetch(address, { headers: { Authorization: `Bearer ${token}`, "X-Room": "team" }, credentials: "omit", signal: mine.signal });
      if (!reply.ok) throw new Error(String(reply.status));
      const reader = reply.body.getReader(), text = new TextDecoder();
      document.heard = true;
      again = 1;
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        if (text.decode(value, { stream: true }).includes("data:")) soonLook();
      }
    } catch { again = Math.min(again * 2, 60); }
    document.heard = false;
    if (line === mine) line = null;
    setTimeout(listen, again * 1000);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) listen(); else if (!may()) line?.abort(); });
  document.addEventListener("doorstep:page", () => { if (!document.querySelector("[data-stream]")) line?.abort(); else listen(); offer(); });
  offer();
  fill();
  toNewest();
  news();
  listen();
})();
