import '@shopify/ui-extensions/preact';
import {render} from 'preact';

import {Block, ConversationPart, ReviewsPart, list} from './parts.jsx';
import {useAnswer} from './use_answer.js';

export default async () => {
  render(<CustomerBlock />, document.body);
};

/** Beside a customer: the chat with them, what they allowed, what they said of their orders. */
function CustomerBlock() {
  const t = /** @type {import('./parts.jsx').Translate} */ (shopify.i18n.translate);
  const [state, load] = useAnswer(shopify.auth, '/api/admin/customer', {id: shopify.data.selected[0]?.id ?? ''});
  return (
    <Block
      t={t}
      state={state}
      onRetry={load}
      none={t('no_customer')}
      draw={(answer) => (
        <>
          <ConversationPart t={t} conversation={answer.conversation} none={t('no_customer')} />
          <s-text color="subdued">{t('orders', {number: Number(answer.orders) || 0})}</s-text>
          {list(answer.consents).map((consent, place) => (
            <s-stack key={place} direction="inline" gap="small" alignItems="center">
              <s-text>{consent.channel}</s-text>
              <s-badge tone={consent.news === 'withdrawn' ? 'warning' : 'neutral'}>
                {t(consent.news === 'withdrawn' ? 'news_stopped' : 'news_allowed')}
              </s-badge>
              <s-badge tone={consent.offers === 'granted' ? 'success' : 'neutral'}>
                {t(consent.offers === 'granted' ? 'offers_allowed' : 'offers_not')}
              </s-badge>
            </s-stack>
          ))}
          <ReviewsPart t={t} reviews={list(answer.reviews)} />
        </>
      )}
    />
  );
}
