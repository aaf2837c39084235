import '@shopify/ui-extensions/preact';
import {render} from 'preact';

import {useAnswer} from '../../shared/src/answer.js';
import {hasPhone, isSafe} from '../../shared/src/host.js';
import {Away, Channels, ConsentQuestion, Expected, Loading, words} from '../../shared/src/parts.jsx';

const STATES = {
  not_shipped: 'neutral',
  label: 'neutral',
  confirmed: 'neutral',
  in_transit: 'neutral',
  delayed: 'critical',
  out_for_delivery: 'neutral',
  attempted: 'critical',
  ready_for_pickup: 'neutral',
  delivered: 'neutral',
  failed: 'critical',
  cancelled: 'critical',
};

export default async () => {
  render(<OrderStatus />, document.body);
};

/** The block on the order-status page: where the parcel is, the chat buttons, and the review once it is there. */
function OrderStatus() {
  const facts = {order_id: shopify.order?.value?.id ?? '', has_phone: hasPhone(shopify)};
  const [state, load] = useAnswer(shopify, 'order-status', facts);
  const answer = state.answer;
  return (
    <s-section heading={words(shopify, 'heading', answer)}>
      <s-stack gap="base">
        {state.name === 'loading' && <Loading host={shopify} />}
        {state.name === 'away' && <Away host={shopify} onRetry={load} />}
        {answer?.order && <Parcel order={answer.order} review={answer.order.review_url || answer.channels[0]?.url || ''} />}
        {state.name === 'empty' && <s-paragraph>{shopify.i18n.translate('empty')}</s-paragraph>}
        {state.name === 'ready' && answer && (
          <s-stack gap="base">
            <s-paragraph>{words(shopify, 'text', answer)}</s-paragraph>
            <Channels host={shopify} answer={answer} />
            {answer.consent && <ConsentQuestion host={shopify} consent={answer.consent} facts={{...facts, surface: 'order_status_page'}} />}
          </s-stack>
        )}
      </s-stack>
    </s-section>
  );
}

/** @param {{order: import('../../shared/src/host.js').Told, review: string}} props */
function Parcel({order, review}) {
  const tone = /** @type {Record<string, string>} */ (STATES)[order.state];
  const preAuthenticated = shopify.authenticationState?.value === 'pre_authenticated';
  return (
    <s-stack gap="small">
      {tone && (
        <s-stack direction="inline">
          <s-badge tone={tone === 'critical' ? 'critical' : 'neutral'}>
            {shopify.i18n.translate(`state_${order.state}`)}
          </s-badge>
        </s-stack>
      )}
      {order.text ? (
        order.text
          .split('\n')
          .map((line, place) => (isSafe(line) ? <Track key={place} url={line} /> : <s-paragraph key={place}>{line}</s-paragraph>))
      ) : (
        <Expected host={shopify} day={order.expected} />
      )}
      {order.tracking_url && !order.text.includes(order.tracking_url) && <Track url={order.tracking_url} />}
      {order.sign_in && preAuthenticated && (
        <s-button variant="secondary" onClick={() => shopify.requireLogin?.()}>
          {shopify.i18n.translate('sign_in')}
        </s-button>
      )}
      {order.review && review && (
        <s-button variant="primary" href={review} target="_blank" inlineSize="fill">
          {shopify.i18n.translate('review')}
        </s-button>
      )}
    </s-stack>
  );
}

/** @param {{url: string}} props */
function Track({url}) {
  return (
    <s-link href={url} target="_blank">
      {shopify.i18n.translate('track')}
    </s-link>
  );
}
