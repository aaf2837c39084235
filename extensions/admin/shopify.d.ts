import '@shopify/ui-extensions';

declare module './src/OrderBlock.jsx' {
  const shopify: import('@shopify/ui-extensions/admin.order-details.block.render').Api;
  const globalThis: {shopify: typeof shopify};
}

declare module './src/CustomerBlock.jsx' {
  const shopify: import('@shopify/ui-extensions/admin.customer-details.block.render').Api;
  const globalThis: {shopify: typeof shopify};
}

declare module './src/PrintOrder.jsx' {
  const shopify: import('@shopify/ui-extensions/admin.order-details.print-action.render').Api;
  const globalThis: {shopify: typeof shopify};
}

declare module './src/PrintSelection.jsx' {
  const shopify: import('@shopify/ui-extensions/admin.order-index.selection-print-action.render').Api;
  const globalThis: {shopify: typeof shopify};
}
