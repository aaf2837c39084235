import '@shopify/ui-extensions/preact';
import {render} from 'preact';

import {useAnswer} from '../../shared/src/answer.js';
import {hasPhone} from '../../shared/src/host.js';
import {Away, Channels, ConsentQuestion, Expected, Loading, words} from '../../shared/src/parts.jsx';

export default async () => {
  render(<ThankYou />, document.body);
};

/** The block on the thank-you page: a skeleton, then the chat buttons, or a way on where our server is away. */
function ThankYou() {
  const facts = {order_id: shopify.orderConfirmation?.value?.order?.id ?? '', has_phone: hasPhone(shopify)};
  const [state, load] = useAnswer(shopify, 'thank-you', facts);
  const answer = state.answer;
  return (
    <s-section heading={words(shopify, 'heading', answer)}>
      <s-stack gap="base">
        {state.name === 'loading' && <Loading host={shopify} />}
        {state.name === 'away' && <Away host={shopify} onRetry={load} />}
        {state.name === 'empty' && <s-paragraph>{shopify.i18n.translate('empty')}</s-paragraph>}
        {state.name === 'ready' && answer && (
          <s-stack gap="base">
            <s-paragraph>{words(shopify, 'text', answer)}</s-paragraph>
            <Expected host={shopify} day={answer.expected || promised()} />
            <Channels host={shopify} answer={answer} />
            {answer.consent && <ConsentQuestion host={shopify} consent={answer.consent} facts={facts} />}
          </s-stack>
        )}
      </s-stack>
    </s-section>
  );
}

/** The latest day that the chosen shipping promises, where the carrier says one. Our server knows it only later. */
function promised() {
  let latest = 0;
  for (const group of shopify.deliveryGroups?.value ?? []) {
    const handle = group?.selectedDeliveryOption?.handle;
    const option = /** @type {any} */ ((group?.deliveryOptions ?? []).find((each) => each.handle === handle));
    const range = option?.deliveryEstimate?.timeInTransit;
    latest = Math.max(latest, range?.upper ?? range?.lower ?? 0);
  }
  return latest ? new Date(Date.now() + latest * 1000).toISOString() : '';
}
