import '@shopify/ui-extensions';

declare module './src/OrderStatus.jsx' {
  const shopify: import('@shopify/ui-extensions/customer-account.order-status.block.render').Api;
  const globalThis: {shopify: typeof shopify};
}

declare global {
  const __APP_URL__: string | undefined;
}
