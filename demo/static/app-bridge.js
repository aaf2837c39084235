/* A stand-in for Shopify's App Bridge, for the demo and the tests only: the parts that this app uses.
   Tokens come from the pretend Shopify that served this script, `<base>/admin/id-token?shop=`. */
(() => {
  const me = document.currentScript;
  const base = me.src.split("/cdn/shopifycloud/")[0];
  const query = new URLSearchParams(location.search);
  const apiKey = me.dataset.apiKey || document.querySelector('meta[name="shopify-api-key"]')?.content || "";
  const memory = (() => { try { return window.sessionStorage; } catch { return null; } })();
  const shop = query.get("shop") || memory?.getItem("stand-in-shop") || "";
  const realFetch = window.fetch.bind(window);
  if (shop) memory?.setItem("stand-in-shop", shop);

  async function idToken() {
    const reply = await realFetch(`${base}/admin/id-token?shop=${encodeURIComponent(shop)}&api_key=${encodeURIComponent(apiKey)}`);
    if (!reply.ok) throw new Error("The pretend admin gave no ID token");
    const text = await reply.text();
    try { return JSON.parse(text).id_token || JSON.parse(text).token; } catch { return text.trim(); }
  }

  function ownAddress(input) {
    const url = new URL(input instanceof Request ? input.url : input, location.href);
    return url.origin === location.origin;
  }

  window.fetch = async (input, options = {}) => {
    if (!ownAddress(input)) return realFetch(input, options);
    const ask = async () => {
      const headers = new Headers(options.headers || (input instanceof Request ? input.headers : undefined));
      headers.set("Authorization", `Bearer ${await idToken()}`);
      return realFetch(input, { ...options, headers });
    };
    const reply = await ask();
    return reply.status === 401 && reply.headers.get("X-Shopify-Retry-Invalid-Session-Request") ? ask() : reply;
  };

  // The bounce page: fetch a fresh token, then load the page that was wanted.
  const reload = query.get("shopify-reload");
  if (reload) {
    idToken().then((token) => {
      const target = new URL(reload, location.origin);
      if (target.origin !== location.origin) return;
      target.searchParams.set("id_token", token);
      if (shop && !target.searchParams.get("shop")) target.searchParams.set("shop", shop);
      location.replace(target);
    });
    return;
  }
  if (query.has("id_token")) {
    query.delete("id_token");
    history.replaceState(history.state, "", `${location.pathname}?${query}`);
  }

  function toast(text, { isError = false, duration = 5000 } = {}) {
    let shelf = document.getElementById("stand-in-toasts");
    if (!shelf) {
      shelf = document.createElement("div");
      shelf.id = "stand-in-toasts";
      shelf.setAttribute("role", "status");
      document.body.append(shelf);
    }
    const note = document.createElement("div");
    note.textContent = text;
    note.className = isError ? "error" : "";
    shelf.append(note);
    setTimeout(() => note.remove(), duration);
  }

  const bar = {
    form: null,
    element: null,
    async show() {
      if (!this.element) {
        this.element = document.createElement("div");
        this.element.id = "stand-in-save-bar";
        this.element.setAttribute("role", "region");
        this.element.setAttribute("aria-label", "Unsaved changes");
        this.element.innerHTML = "<span>Unsaved changes</span><button type=button>Discard</button><button type=button class=primary>Save</button>";
        const [discard, save] = this.element.querySelectorAll("button");
        discard.onclick = () => { this.form?.reset(); this.hide(); };
        save.onclick = () => this.form?.requestSubmit();
        document.body.append(this.element);
      }
      this.element.hidden = false;
    },
    async hide() { if (this.element) this.element.hidden = true; },
    async leaveConfirmation() { return !this.element || this.element.hidden || confirm("Leave without saving?"); },
  };
  for (const kind of ["input", "change"])
    document.addEventListener(kind, (event) => {
      const form = event.target.closest?.("form[data-save-bar]");
      if (form) { bar.form = form; bar.show(); }
    });

  /* shopify.dev/docs/api/app-home/apis/resource-picker: undefined where it was closed, else what was selected. */
  async function pick({ type, multiple = false, selectionIds = [] }) {
    if (type !== "product") throw new Error("The stand-in knows products only");
    const reply = await realFetch(`${base}/admin/products.json?shop=${encodeURIComponent(shop)}`);
    if (!reply.ok) throw new Error("The pretend admin has no products");
    const { products } = await reply.json(), marked = new Set(selectionIds.map((each) => each.id));
    const box = document.createElement("dialog");
    box.id = "stand-in-picker";
    box.setAttribute("aria-label", multiple ? "Select products" : "Select a product");
    const form = Object.assign(document.createElement("form"), { method: "dialog" });
    for (const product of products) {
      const tick = Object.assign(document.createElement("input"), { type: multiple ? "checkbox" : "radio", name: "product", value: product.id, checked: marked.has(product.id) });
      const label = document.createElement("label");
      label.append(tick, ` ${product.title}`);
      form.append(label);
    }
    const note = Object.assign(document.createElement("p"), { hidden: true });
    form.append(note);
    for (const [value, words] of [["", "Cancel"], ["select", "Select"]]) form.append(Object.assign(document.createElement("button"), { value, textContent: words }));
    box.append(form);
    document.body.append(box);
    form.addEventListener("submit", (event) => {
      const count = form.querySelectorAll("input:checked").length;
      if (event.submitter?.value !== "select" || !Number.isInteger(multiple) || count <= multiple) return;
      event.preventDefault();
      Object.assign(note, { hidden: false, textContent: `Select at most ${multiple}` });
    });
    box.showModal();
    await new Promise((done) => box.addEventListener("close", done, { once: true }));
    const ids = [...form.querySelectorAll("input:checked")].map((each) => each.value);
    box.remove();
    return box.returnValue === "select" ? products.filter((each) => ids.includes(each.id)) : undefined;
  }

  customElements.define("s-app-nav", class extends HTMLElement {
    connectedCallback() { this.setAttribute("role", "navigation"); this.setAttribute("aria-label", "App"); }
  });
  window.shopify = {
    config: { apiKey, shop, host: query.get("host") || "", locale: query.get("locale") || "en" },
    environment: { mobile: false, embedded: window.top !== window },
    ready: Promise.resolve(), idToken, toast: { show: toast }, saveBar: bar, loading() {},
    resourcePicker: pick,
    scopes: { // the merchant says yes at once
      async request(scopes) {
        const reply = await realFetch(`${base}/admin/grant?shop=${encodeURIComponent(shop)}&scopes=${encodeURIComponent(scopes.join(","))}`, { method: "POST" });
        return { result: reply.ok ? "granted-all" : "declined-all" };
      },
    },
    app: { // shopify.dev/docs/api/app-home/apis/app: the store's published theme, every block with its own status
      extensions: async () => [
        { handle: "doorstep-thank-you", type: "ui_extension", activations: [{ target: "purchase.thank-you.block.render" }] },
        { handle: "doorstep-order-status", type: "ui_extension", activations: [] },
        {
          handle: "doorstep-theme", type: "theme_app_extension",
          activations: [
            { handle: "chat-bubble", name: "Chat bubble", target: "body", status: "available", activations: [] },
            { handle: "reviews", name: "Reviews", target: "section", status: "active", activations: [{ target: "template--product", themeId: "gid://shopify/OnlineStoreTheme/1" }] },
          ],
        },
      ],
    },
    user: async () => ({ id: "1", firstName: "Robin" }),
  };
})();
