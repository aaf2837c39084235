import '@shopify/ui-extensions/preact';
import {render} from 'preact';

import {Away, ConversationPart, Loading, ReviewsPart, list} from './parts.jsx';
import {useAnswer} from './use_answer.js';

export default async () => {
  render(<CustomerBlock />, document.body);
};

/** Beside a customer: the chat with them, what they allowed, what they said of their orders. */
function CustomerBlock() {
  const t = /** @type {import('./parts.jsx').Translate} */ (shopify.i18n.translate);
  const [state, load] = useAnswer(shopify.auth, '/api/admin/customer', {id: shopify.data.selected[0]?.id ?? ''});
  const answer = state.name === 'ready' && state.answer.found ? state.answer : null;
  const summary = answer?.conversation ? t(`state_${answer.conversation.state}`) : t('no_chat');
  return (
    <s-admin-block heading={t('heading')} collapsedSummary={state.name === 'ready' ? summary : ''}>
      {state.name === 'loading' && <Loading t={t} />}
      {(state.name === 'away' || state.name === 'refused') && <Away t={t} onRetry={load} />}
      {state.name === 'ready' && !answer && <s-paragraph>{t('no_customer')}</s-paragraph>}
      {answer && (
        <s-stack gap="base">
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
        </s-stack>
      )}
    </s-admin-block>
  );
}
