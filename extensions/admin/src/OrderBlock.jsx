import '@shopify/ui-extensions/preact';
import {render} from 'preact';

import {Away, ConversationPart, FlowsPart, Loading, ReviewsPart, list} from './parts.jsx';
import {StartPart} from './StartPart.jsx';
import {useAnswer} from './use_answer.js';

export default async () => {
  render(<OrderBlock />, document.body);
};

/** Beside an order: the chat about it, where its flows are, what the shopper said of it. */
function OrderBlock() {
  const t = /** @type {import('./parts.jsx').Translate} */ (shopify.i18n.translate);
  const id = shopify.data.selected[0]?.id ?? '';
  const [state, load] = useAnswer(shopify.auth, '/api/admin/order', {id});
  const answer = state.name === 'ready' && state.answer.found ? state.answer : null;
  const summary = answer?.conversation ? t(`state_${answer.conversation.state}`) : t('no_chat');
  return (
    <s-admin-block heading={t('heading')} collapsedSummary={state.name === 'ready' ? summary : ''}>
      {state.name === 'loading' && <Loading t={t} />}
      {(state.name === 'away' || state.name === 'refused') && <Away t={t} onRetry={load} />}
      {state.name === 'ready' && !answer && <s-paragraph>{t('no_order')}</s-paragraph>}
      {answer && (
        <s-stack gap="base">
          <ConversationPart t={t} conversation={answer.conversation} none={t('no_conversation')} />
          <FlowsPart t={t} flows={list(answer.flows)} />
          <StartPart t={t} auth={shopify.auth} id={id} flows={list(answer.startable)} onStarted={load} />
          <ReviewsPart t={t} reviews={list(answer.reviews)} />
        </s-stack>
      )}
    </s-admin-block>
  );
}
