import '@shopify/ui-extensions/preact';
import {render} from 'preact';

import {useAnswer} from '../../shared/src/answer.js';
import {fallbackOf} from '../../shared/src/fallback.js';
import {label, words} from '../../shared/src/parts.jsx';

const MOST = 2;

export default async () => {
  render(<Announcement />, document.body);
};

/**
 * One line above the page that the shopper can put away, for shops that prefer it to a block. It never shows a skeleton
 * or an error: until there is something to offer, and where there is nothing, there is no line.
 */
function Announcement() {
  const [state] = useAnswer(shopify, 'thank-you', {order_id: shopify.orderConfirmation?.value?.order?.id ?? ''});
  const channels = state.name === 'away' ? fallbackOf(shopify).channels : (state.answer?.channels ?? []);
  const offered = channels.filter((channel) => channel.url).slice(0, MOST);
  if (state.name === 'loading' || !offered.length) return null;
  return (
    <s-announcement>
      <s-stack direction="inline" gap="base" alignItems="center" justifyContent="center">
        <s-text>{words(shopify, 'heading', state.answer)}</s-text>
        {offered.map((channel) => (
          <s-link key={channel.kind} href={channel.url} target="_blank">
            {label(shopify, channel)}
          </s-link>
        ))}
      </s-stack>
    </s-announcement>
  );
}
