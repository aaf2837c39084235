/* A stand-in for what Shopify's checkout gives an extension: the `shopify` global and the s-* elements that our blocks use.
   The blocks themselves are the built files that ship. */
const facts = window.facts;
const translate = (key, values = {}) =>
  String(facts.texts[key] ?? key).replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => values[name] ?? '');
const signal = (value) => ({value});
globalThis.shopify = {
  settings: signal({}),
  orderConfirmation: signal({order: {id: facts.order.id}, number: facts.number, isFirstOrder: true}),
  order: signal({id: facts.order.id, name: facts.order.name}),
  authenticationState: signal(facts.signed_in ? 'fully_authenticated' : 'pre_authenticated'),
  requireLogin: async () => location.assign(`${location.pathname}?signed_in=1`),
  checkoutToken: signal(facts.checkout_token),
  appMetafields: signal(facts.metafields),
  deliveryGroups: signal(facts.delivery_groups),
  shop: {name: 'Fern & Field', myshopifyDomain: facts.shop},
  localization: {
    language: signal({isoCode: facts.language}),
    extensionLanguage: signal({isoCode: facts.language}),
    country: signal({isoCode: facts.country}),
  },
  i18n: {translate, formatDate: (date, options) => new Intl.DateTimeFormat(facts.language, options).format(date)},
  sessionToken: {get: async () => (await (await fetch(`/api/buyer-token${facts.signed_in ? `?order=${facts.order_id}` : ''}`)).json()).token},
  extension: {target: facts.target, capabilities: {current: []}},
};
if (facts.app_url) shopify.settings.value.app_url = facts.app_url;

class Tappable extends HTMLElement {
  connectedCallback() {
    if (this.tabIndex === 0) return;
    this.tabIndex = 0;
    this.setAttribute('role', this.getAttribute('href') ? 'link' : 'button');
    this.addEventListener('click', () => {
      const to = this.getAttribute('href');
      if (to) window.open(to, '_blank', 'noopener');
    });
    this.addEventListener('keydown', (event) => event.key === 'Enter' && this.click());
  }
}
customElements.define('s-button', class extends Tappable {});
customElements.define('s-link', class extends Tappable {});
customElements.define('s-qr-code', class extends HTMLElement {
  static observedAttributes = ['content'];
  attributeChangedCallback() {
    const image = document.createElement('img');
    image.src = `/qr.svg?text=${encodeURIComponent(this.getAttribute('content'))}`;
    image.alt = this.getAttribute('accessibilityLabel') || 'QR code';
    this.replaceChildren(image);
  }
});
customElements.define('s-checkbox', class extends HTMLElement {
  static observedAttributes = ['label', 'checked', 'disabled'];
  connectedCallback() {
    this.box = Object.assign(document.createElement('input'), {type: 'checkbox'});
    this.words = document.createElement('span');
    const label = document.createElement('label');
    label.append(this.box, this.words);
    this.replaceChildren(label);
    this.attributeChangedCallback();
  }
  attributeChangedCallback() {
    if (!this.box) return;
    this.words.textContent = this.getAttribute('label');
    this.box.checked = this.hasAttribute('checked');
    this.box.disabled = this.hasAttribute('disabled');
  }
});

// A block renders into document.body; Shopify's own part of the page stays above it.
const page = document.querySelector('header');
page.remove();
const extension = await import(`/extension/${facts.extension}.js`);
await extension.default();
document.body.prepend(page);

// Shopify's chat overlay: what extensions/optional/chat-overlay puts there, with its restrictions on size.
customElements.define('s-chat', class extends HTMLElement {
  onready = null;
  connectedCallback() {
    const frame = Object.assign(document.createElement('iframe'), {title: this.getAttribute('accessibilityLabel') ?? '', src: `${facts.app_url}/chat/checkout`});
    const size = (width, height) => {
      const open = height > 72;
      frame.style.width = open && innerWidth < 500 ? '100%' : `${Math.min(width, open ? 415 : 224)}px`;
      frame.style.height = open && innerWidth < 500 ? '93%' : `${Math.min(height, open ? 700 : 72)}px`;
    };
    this.contentWindow = {postMessage: (message) => frame.contentWindow.postMessage(message, new URL(facts.app_url).origin)};
    addEventListener('message', async (event) => {
      if (event.source !== frame.contentWindow) return;
      if (event.data?.ask === 'idToken') this.contentWindow.postMessage({id: event.data.id, idToken: await shopify.sessionToken.get()});
      if (event.data?.resize) size(...event.data.resize);
    });
    frame.onload = () => this.dispatchEvent(new Event('ready'));
    size(224, 72);
    this.append(frame);
  }
});
if (facts.overlay) {
  // Shopify gives each extension a document of its own; here the second one gets a body of its own.
  const place = document.body.appendChild(document.createElement('div'));
  shopify.i18n.translate = (key, values) => (key === 'label' ? facts.overlay.label : translate(key, values));
  const overlay = await import('/extension/chat-overlay.js');
  Object.defineProperty(document, 'body', {value: place, configurable: true});
  await overlay.default();
  delete document.body;
}
