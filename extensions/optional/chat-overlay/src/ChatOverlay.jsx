import '@shopify/ui-extensions/preact';
import {render} from 'preact';

const TIMES_MS = [0, 1000, 4000, 15000]; // the page takes the first that it hears, and another where our server was away

export default async () => {
  render(<ChatOverlay />, document.body);
};

/**
 * Nothing but the frame: our page in it draws the button and the chat. It asks who the shop is with an ID token of its own;
 * from here it gets the checkout token, which ties the chat to the order, and the shopper's language.
 */
function ChatOverlay() {
  /** @param {any} event */
  function tell(event) {
    const page = event.currentTarget.contentWindow;
    for (const pause of TIMES_MS) setTimeout(() => page.postMessage({doorstep: facts()}), pause);
  }
  return (
    <s-chat
      id="doorstep-chat"
      inlineSize="224px"
      blockSize="72px"
      accessibilityLabel={shopify.i18n.translate('label')}
      onReady={tell}
    />
  );
}

function facts() {
  return {
    checkout_token: shopify.checkoutToken?.value ?? '',
    order_id: shopify.orderConfirmation?.value?.order?.id ?? '',
    language: shopify.localization?.language?.value?.isoCode ?? '',
    country: shopify.localization?.country?.value?.isoCode ?? '',
  };
}
