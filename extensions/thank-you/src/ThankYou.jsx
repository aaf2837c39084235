import '@shopify/ui-extensions/preact';
import {render} from 'preact';
import {useEffect, useState} from 'preact/hooks';

import {ask} from './ask.js';

export default async () => {
  render(<ThankYou />, document.body);
};

/** The block on the thank-you page: a skeleton, then the chat buttons, or a way on where our server is away. */
function ThankYou() {
  const settings = shopify.settings.value ?? {};
  const [state, setState] = useState(/** @type {{name: string, answer?: import('./ask.js').Answer}} */ ({name: 'loading'}));
  const appUrl = setting(settings, 'app_url');

  async function load() {
    setState({name: 'loading'});
    try {
      const answer = await ask(shopify, appUrl);
      setState({name: answer.channels.length ? 'ready' : 'empty', answer});
    } catch {
      setState({name: 'away'});
    }
  }

  useEffect(() => {
    load();
  }, []);

  const heading = setting(settings, 'heading') || shopify.i18n.translate('heading');
  const text = setting(settings, 'text') || shopify.i18n.translate('text');
  return (
    <s-section heading={heading}>
      <s-stack gap="base">
        {state.name === 'loading' && <Loading />}
        {state.name === 'away' && <Away onRetry={load} />}
        {state.name === 'empty' && <s-paragraph>{shopify.i18n.translate('empty')}</s-paragraph>}
        {state.name === 'ready' && state.answer && (
          <Ready answer={state.answer} text={text} showQr={settings.show_qr !== false} />
        )}
      </s-stack>
    </s-section>
  );
}

function Loading() {
  return (
    <s-stack gap="small" accessibilityLabel={shopify.i18n.translate('loading')}>
      <s-skeleton-paragraph content={shopify.i18n.translate('text')}></s-skeleton-paragraph>
      <s-button loading inlineSize="fill">
        {shopify.i18n.translate('loading')}
      </s-button>
    </s-stack>
  );
}

/** @param {{answer: import('./ask.js').Answer, text: string, showQr: boolean}} props */
function Ready({answer, text, showQr}) {
  return (
    <s-query-container>
      <s-stack gap="base">
        <s-paragraph>{text}</s-paragraph>
        {answer.channels.map((channel, place) => (
          <s-button
            key={channel.kind}
            href={channel.url}
            target="_blank"
            variant={place === 0 ? 'primary' : 'secondary'}
            inlineSize="fill"
          >
            {words(channel)}
          </s-button>
        ))}
        {showQr && answer.qr_url && (
          <s-box display="@container (inline-size > 480px) auto, none">
            <s-stack direction="inline" gap="base" alignItems="center">
              <s-qr-code
                content={answer.qr_url}
                size="base"
                accessibilityLabel={shopify.i18n.translate('qr_label')}
              ></s-qr-code>
              <s-text color="subdued">{shopify.i18n.translate('qr_text')}</s-text>
            </s-stack>
          </s-box>
        )}
      </s-stack>
    </s-query-container>
  );
}

/** One chats in an app, and writes an e-mail. @param {import('./ask.js').Answer['channels'][number]} channel */
function words(channel) {
  if (channel.kind === 'email') return shopify.i18n.translate('write_email');
  return shopify.i18n.translate('chat_on', {channel: channel.label});
}

/** Our server is away: the order is fine, say so, and offer another try. @param {{onRetry: () => void}} props */
function Away({onRetry}) {
  return (
    <s-stack gap="base">
      <s-paragraph>{shopify.i18n.translate('away')}</s-paragraph>
      <s-button variant="secondary" onClick={onRetry}>
        {shopify.i18n.translate('retry')}
      </s-button>
    </s-stack>
  );
}

/**
 * A setting is empty until the merchant fills it in.
 *
 * @param {Record<string, unknown>} settings
 * @param {string} key
 */
function setting(settings, key) {
  const value = settings[key];
  return typeof value === 'string' ? value.trim() : '';
}
