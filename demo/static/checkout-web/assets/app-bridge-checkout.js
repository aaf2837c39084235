/* A stand-in for Shopify's app-bridge-checkout.js: the checkout page around the frame (demo/pages/checkout.js) answers. */
window.shopify = {
  idToken: () =>
    new Promise((done) => {
      const id = String(Math.random());
      addEventListener("message", function hear(event) {
        if (event.source !== parent || event.data?.id !== id) return;
        removeEventListener("message", hear);
        done(event.data.idToken);
      });
      parent.postMessage({ ask: "idToken", id }, "*");
    }),
};
window.resizeTo = (width, height) => parent.postMessage({ resize: [width, height] }, "*");
