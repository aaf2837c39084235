/* A stand-in for Shopify's page components, for the demo and the tests only: draws the s-* elements that this app uses,
   with their attributes and slots as @shopify/polaris-types 1.1.0 lists them. Production loads the real ones. */
(() => {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = document.currentScript.src.replace(/[^/]*$/, "polaris.css");
  document.head.append(style);
  const SPACE = { none: "0", "small-400": "2px", "small-300": "4px", "small-200": "6px", "small-100": "8px", small: "12px", base: "16px", large: "24px", "large-100": "32px", "large-200": "40px" };
  const el = (tag, fields = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(fields)) if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    made.append(...children);
    return made;
  };
  const slot = (name) => el("slot", name ? { name } : {});
  const define = (tag, type) => customElements.define(tag, type);
  const space = (value) => (value || "").split(" ").map((part) => SPACE[part] || part).join(" ");

  class Layout extends HTMLElement {
    static observedAttributes = ["gap", "padding", "paddingblock", "paddinginline", "gridtemplatecolumns", "direction", "alignitems", "justifycontent", "display"];
    connectedCallback() { this.draw(); }
    attributeChangedCallback() { if (this.isConnected) this.draw(); }
    draw() {
      const read = (name) => this.getAttribute(name);
      const set = (name, value) => value && this.style.setProperty(name, value);
      set("gap", space(read("gap")));
      set("padding", space(read("padding")));
      set("padding-block", space(read("paddingblock")));
      set("padding-inline", space(read("paddinginline")));
      set("align-items", read("alignitems"));
      set("justify-content", read("justifycontent"));
      set("grid-template-columns", read("gridtemplatecolumns"));
      if (read("accessibilitylabel")) this.setAttribute("aria-label", read("accessibilitylabel"));
      const role = read("accessibilityrole");
      if (role && role !== "generic") this.setAttribute("role", { "unordered-list": "list", "ordered-list": "list", "list-item": "listitem", section: "region" }[role] || role);
    }
  }
  for (const tag of ["s-stack", "s-grid", "s-grid-item", "s-box", "s-query-container", "s-scroll-box"]) define(tag, class extends Layout {});

  /* While the document is being parsed an element is connected before its children are there. */
  const parsed = (work) => (document.readyState === "loading" ? addEventListener("DOMContentLoaded", work, { once: true }) : work());
  const plain = (tag, setUp) => define(tag, class extends HTMLElement { connectedCallback() { if (setUp) parsed(() => setUp(this)); } });
  plain("s-text"); plain("s-divider", (me) => me.setAttribute("role", "separator"));
  plain("s-paragraph"); plain("s-badge"); plain("s-chip");
  plain("s-unordered-list", (me) => me.setAttribute("role", "list"));
  plain("s-ordered-list", (me) => me.setAttribute("role", "list"));
  plain("s-list-item", (me) => me.setAttribute("role", "listitem"));
  plain("s-table-body", (me) => me.setAttribute("role", "rowgroup"));
  plain("s-table-header-row", (me) => me.setAttribute("role", "row"));
  plain("s-table-header", (me) => me.setAttribute("role", "columnheader"));
  plain("s-table-row", (me) => {
    me.setAttribute("role", "row");
    const names = [...(me.closest("s-table")?.querySelectorAll("s-table-header") || [])].map((header) => header.textContent.trim());
    [...me.children].forEach((cell, place) => { cell.dataset.label = names[place] || ""; });
    const target = me.getAttribute("clickdelegate");
    if (target) me.addEventListener("click", (event) => { if (!event.target.closest("a,s-link,s-button,button")) document.getElementById(target)?.click(); });
  });
  plain("s-table-cell", (me) => me.setAttribute("role", "cell"));
  plain("s-table", (me) => me.setAttribute("role", "table"));
  plain("s-spinner", (me) => { me.setAttribute("role", "status"); me.setAttribute("aria-label", me.getAttribute("accessibilitylabel") || "Loading"); });
  plain("s-progress", (me) => {
    const share = Number(me.getAttribute("value") || 0) / Number(me.getAttribute("max") || 1);
    me.setAttribute("role", "progressbar");
    me.setAttribute("aria-valuenow", Math.round(share * 100));
    me.setAttribute("aria-valuemin", 0); me.setAttribute("aria-valuemax", 100);
    me.setAttribute("aria-label", me.getAttribute("accessibilitylabel") || "Progress");
    me.replaceChildren(el("i", { style: `width:${Math.min(100, share * 100)}%` }));
  });
  for (const tag of ["s-image", "s-thumbnail"]) plain(tag, (me) => me.replaceChildren(el("img", { src: me.getAttribute("src"), alt: me.getAttribute("alt") || "", loading: "lazy" })));
  plain("s-avatar", (me) => { me.setAttribute("aria-hidden", "true"); me.textContent = (me.getAttribute("initials") || "?").slice(0, 2); });
  const GLYPHS = { "check-circle-filled": "✓", "check-circle": "✓", circle: "○", "circle-dashed": "◌", "alert-triangle": "!", info: "i", "arrow-left": "←", chat: "💬", image: "🖼" };
  plain("s-icon", (me) => { me.setAttribute("aria-hidden", "true"); me.textContent = GLYPHS[me.getAttribute("type")] || "•"; });

  class Shadow extends HTMLElement {
    constructor() { super(); this.attachShadow({ mode: "open", delegatesFocus: this.constructor.focusing || false }); }
    connectedCallback() { if (!this.drawn) { this.drawn = true; this.sheet(); parsed(() => this.draw()); } }
    sheet() { this.shadowRoot.append(el("link", { rel: "stylesheet", href: style.href })); }
    has(name) { return this.querySelector(`:scope > [slot="${name}"]`) !== null; }
  }
  const level = (node) => { let depth = 1, at = node.parentElement; while (at) { if (at.matches("s-page,s-section")) depth += 1; at = at.parentElement; } return Math.min(depth, 6); };

  define("s-page", class extends Shadow {
    draw() {
      const crumb = el("div", { class: "crumb" }, slot("breadcrumb-actions"));
      const head = el("header", { class: "page-head" }, el("div", { class: "page-title" }, crumb, el("h1", { tabindex: "-1" }, this.getAttribute("heading") || "")), el("div", { class: "actions" }, slot("secondary-actions"), slot("primary-action")));
      const body = el("div", { class: this.has("aside") ? "page-body with-aside" : "page-body" }, el("div", { class: "page-main" }, slot()));
      if (this.has("aside")) body.append(el("div", { class: "page-aside" }, slot("aside")));
      this.shadowRoot.append(el("div", { class: `page ${this.getAttribute("inlinesize") || "base"}` }, head, body));
    }
  });
  define("s-section", class extends Shadow {
    draw() {
      const heading = this.getAttribute("heading");
      const box = el("section", { class: `section ${this.getAttribute("padding") || "base"} ${this.parentElement.closest("s-section") ? "inner" : ""}`, "aria-label": this.getAttribute("accessibilitylabel") || heading });
      if (heading) box.append(el("div", { class: "section-head" }, el(`h${level(this)}`, {}, heading), el("div", { class: "actions" }, slot("secondary-actions"), slot("primary-action"), slot("accessory"))));
      if (this.getAttribute("subheading")) box.append(el("p", { class: "muted" }, this.getAttribute("subheading")));
      box.append(el("div", { class: "section-body" }, slot()));
      this.shadowRoot.append(box);
    }
  });
  define("s-heading", class extends Shadow { draw() { this.shadowRoot.append(el(`h${level(this) + 0}`, { class: "heading" }, slot())); } });
  define("s-banner", class extends Shadow {
    draw() {
      const tone = this.getAttribute("tone") || "info";
      const box = el("div", { class: `banner ${tone}`, role: tone === "critical" ? "alert" : "status" });
      if (this.getAttribute("heading")) box.append(el("strong", {}, this.getAttribute("heading")));
      box.append(el("div", {}, slot()), el("div", { class: "actions" }, slot("secondary-actions")));
      this.shadowRoot.append(box);
    }
  });
  define("s-empty-state", class extends Shadow {
    draw() { this.shadowRoot.append(el("div", { class: "empty" }, el("h2", {}, this.getAttribute("heading") || ""), slot("subheading"), slot(), el("div", { class: "actions" }, slot("secondary-actions"), slot("primary-action")))); }
  });

  define("s-link", class extends Shadow {
    static focusing = true;
    draw() { this.shadowRoot.append(el("a", { class: `link ${this.getAttribute("tone") || ""}`, href: this.getAttribute("href"), target: this.getAttribute("target"), "aria-label": this.getAttribute("accessibilitylabel") }, slot())); this.addEventListener("click", (event) => { if (!event.isTrusted && event.target === this && !event.defaultPrevented) this.shadowRoot.querySelector("a").click(); }); }
  });
  define("s-button", class extends Shadow {
    static focusing = true;
    static observedAttributes = ["disabled", "loading"];
    draw() {
      const href = this.getAttribute("href");
      const classes = `button ${this.getAttribute("variant") || "secondary"} ${this.getAttribute("tone") || ""} ${this.getAttribute("inlinesize") || ""}`;
      this.inner = href ? el("a", { class: classes, href, target: this.getAttribute("target"), download: this.getAttribute("download") }, slot()) : el("button", { class: classes, type: "button" }, slot());
      if (this.getAttribute("accessibilitylabel")) this.inner.setAttribute("aria-label", this.getAttribute("accessibilitylabel"));
      this.shadowRoot.append(this.inner);
      this.attributeChangedCallback();
      if (!href) this.inner.addEventListener("click", () => {
        const form = this.closest("form");
        queueMicrotask(() => { if (form && this.getAttribute("type") === "submit") form.requestSubmit(); if (form && this.getAttribute("type") === "reset") form.reset(); });
      });
    }
    attributeChangedCallback() { if (this.inner && "disabled" in this.inner) this.inner.disabled = this.hasAttribute("disabled") || this.hasAttribute("loading"); if (this.inner) this.inner.toggleAttribute("aria-busy", this.hasAttribute("loading")); }
  });

  class Field extends Shadow {
    static focusing = true;
    static formAssociated = true;
    static observedAttributes = ["error", "value", "checked", "disabled"];
    constructor() { super(); this.internals = this.attachInternals(); }
    get name() { return this.getAttribute("name"); }
    get value() { return this.control ? this.control.value : this.getAttribute("value") || ""; }
    set value(next) { if (this.control) this.control.value = next; this.share(); }
    get error() { return this.getAttribute("error") || ""; }
    set error(next) { next ? this.setAttribute("error", next) : this.removeAttribute("error"); }
    share() { this.internals.setFormValue(this.value); }
    build() { return el("input", { type: "text" }); }
    shared() { return { placeholder: this.getAttribute("placeholder"), maxlength: this.getAttribute("maxlength"), minlength: this.getAttribute("minlength"), readonly: this.hasAttribute("readonly"), autocomplete: this.getAttribute("autocomplete"), min: this.getAttribute("min"), max: this.getAttribute("max"), step: this.getAttribute("step") }; }
    draw() {
      this.control = this.build();
      for (const [name, value] of Object.entries(this.shared())) if (value !== null && value !== false) this.control.setAttribute(name, value === true ? "" : value);
      this.control.id = "control";
      if (this.hasAttribute("required")) this.control.setAttribute("aria-required", "true");
      this.control.disabled = this.hasAttribute("disabled");
      this.reset();
      const label = el("label", { for: "control", class: this.getAttribute("labelaccessibilityvisibility") === "exclusive" ? "hidden-label" : "" }, this.getAttribute("label") || "");
      this.details = el("div", { class: "details", id: "details" }, this.getAttribute("details") || "");
      this.trouble = el("div", { class: "trouble", id: "trouble" });
      this.control.setAttribute("aria-describedby", "details trouble");
      this.arrange(label);
      this.control.addEventListener("input", () => { this.share(); if (this.error) this.error = ""; });
      this.control.addEventListener("change", () => { this.share(); this.dispatchEvent(new Event("change", { bubbles: true })); });
      this.control.addEventListener("keydown", (event) => { if (event.key === "Enter" && this.control.tagName === "INPUT") { event.preventDefault(); this.closest("form")?.requestSubmit(); } });
      this.share();
      this.attributeChangedCallback("error");
    }
    arrange(label) {
      const row = el("div", { class: "input-row" });
      if (this.getAttribute("prefix")) row.append(el("span", { class: "affix" }, this.getAttribute("prefix")));
      row.append(this.control);
      if (this.getAttribute("suffix")) row.append(el("span", { class: "affix" }, this.getAttribute("suffix")));
      this.shadowRoot.append(el("div", { class: "field" }, label, row, this.details, this.trouble));
    }
    reset() { this.control.value = this.getAttribute("value") || ""; }
    formResetCallback() { this.reset(); this.share(); this.error = ""; }
    attributeChangedCallback(name) {
      if (!this.control) return;
      if (name === "error") { this.trouble.textContent = this.error; this.control.setAttribute("aria-invalid", this.error ? "true" : "false"); }
      if (name === "value") { this.reset(); this.share(); }
      if (name === "disabled") this.control.disabled = this.hasAttribute("disabled");
    }
  }
  const input = (type) => class extends Field { build() { return el("input", { type }); } };
  define("s-text-field", input("text")); define("s-email-field", input("email")); define("s-date-field", input("date")); define("s-password-field", input("password"));
  define("s-url-field", input("url")); define("s-search-field", input("search")); define("s-number-field", class extends Field { build() { return el("input", { type: "text", inputmode: "decimal" }); } });
  define("s-color-field", class extends Field { build() { return el("input", { type: "color" }); } });
  define("s-text-area", class extends Field { build() { return el("textarea", { rows: this.getAttribute("rows") || 3 }); } });
  define("s-select", class extends Field {
    build() { return el("select"); }
    reset() {
      const options = [...this.querySelectorAll("s-option")].map((option) => el("option", { value: option.hasAttribute("value") ? option.getAttribute("value") : option.textContent.trim(), selected: option.hasAttribute("selected"), disabled: option.hasAttribute("disabled") }, option.textContent.trim()));
      this.control.replaceChildren(...options);
      if (this.hasAttribute("value")) this.control.value = this.getAttribute("value");
    }
  });
  class Tick extends Field {
    build() { return el("input", { type: "checkbox" }); }
    get checked() { return this.control ? this.control.checked : this.hasAttribute("checked"); }
    set checked(next) { if (this.control) { this.control.checked = next; this.share(); } }
    get value() { return this.getAttribute("value") || "on"; }
    share() { this.internals.setFormValue(this.checked ? this.value : null); }
    reset() { this.control.checked = this.hasAttribute("checked"); if (this.tagName === "S-SWITCH") this.control.setAttribute("role", "switch"); }
    arrange(label) { this.shadowRoot.append(el("div", { class: `tick ${this.tagName === "S-SWITCH" ? "switch" : ""}` }, this.control, el("div", {}, label, this.details, this.trouble))); }
  }
  define("s-checkbox", class extends Tick {}); define("s-switch", class extends Tick {});
  plain("s-option"); plain("s-option-group"); plain("s-choice");
  define("s-choice-list", class extends Shadow {
    static formAssociated = true;
    static focusing = true;
    constructor() { super(); this.internals = this.attachInternals(); }
    get name() { return this.getAttribute("name"); }
    get values() { return [...this.shadowRoot.querySelectorAll("input:checked")].map((one) => one.value); }
    share() { const data = new FormData(); for (const value of this.values) data.append(this.name || "choice", value); this.internals.setFormValue(data); }
    draw() {
      const box = el("fieldset", { class: "choices" }, el("legend", { class: this.getAttribute("labelaccessibilityvisibility") === "exclusive" ? "hidden-label" : "" }, this.getAttribute("label") || ""));
      for (const choice of this.querySelectorAll("s-choice")) box.append(el("label", { class: "tick" }, el("input", { type: this.hasAttribute("multiple") ? "checkbox" : "radio", name: "choice", value: choice.getAttribute("value"), checked: choice.hasAttribute("selected") }), el("span", {}, choice.textContent.trim())));
      box.append(el("div", { class: "details" }, this.getAttribute("details") || ""), (this.trouble = el("div", { class: "trouble" }, this.getAttribute("error") || "")));
      box.addEventListener("change", () => { this.share(); this.dispatchEvent(new Event("change", { bubbles: true })); });
      this.shadowRoot.append(box);
      this.share();
    }
    static observedAttributes = ["error"];
    attributeChangedCallback() { if (this.trouble) this.trouble.textContent = this.getAttribute("error") || ""; }
    formResetCallback() { for (const choice of this.shadowRoot.querySelectorAll("input")) choice.checked = choice.defaultChecked; this.share(); }
  });
})();
