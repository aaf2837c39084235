import '@shopify/ui-extensions';

declare module './src/ChatOverlay.jsx' {
  const shopify: import('@shopify/ui-extensions/purchase.thank-you.chat.render').Api;
  const globalThis: {shopify: typeof shopify};
}
