import '@shopify/ui-extensions/preact';
import {render} from 'preact';

import {Block, ConversationPart, FlowsPart, ReviewsPart, list} from './parts.jsx';
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
  return (
    <Block
      t={t}
      state={state}
      onRetry={load}
      none={t('no_order')}
      draw={(answer) => (
        <>
          <ConversationPart t={t} conversation={answer.conversation} none={t('no_conversation')} />
          <FlowsPart t={t} flows={list(answer.flows)} />
          <StartPart t={t} auth={shopify.auth} id={id} flows={list(answer.startable)} onStarted={load} />
          <ReviewsPart t={t} reviews={list(answer.reviews)} />
        </>
      )}
    />
  );
}
