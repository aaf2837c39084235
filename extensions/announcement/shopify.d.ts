import '@shopify/ui-extensions';

declare module './src/Announcement.jsx' {
  const shopify: import('@shopify/ui-extensions/purchase.thank-you.announcement.render').Api;
  const globalThis: {shopify: typeof shopify};
}

declare global {
  const __APP_URL__: string | undefined;
}
