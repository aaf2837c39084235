import {useState} from 'preact/hooks';

import {fallbackOf} from './fallback.js';
import {post, readAnswer, setting, showsQr} from './host.js';

/**
 * @typedef {import('./host.js').Host} Host
 * @typedef {import('./host.js').Answer} Answer
 */

/**
 * The merchant's words: for this language from our server or from Shopify's metafield, else the block's setting, which has
 * no language of its own and is shown where the shop's suits this shopper, else ours.
 *
 * @param {Host} host
 * @param {'heading' | 'text'} key
 * @param {Answer} [answer]
 */
export function words(host, key, answer = undefined) {
  const told = key === 'text' ? answer?.text : answer?.heading;
  const kept = fallbackOf(host);
  return told || kept[key] || (kept.own && setting(host, key)) || String(host.i18n.translate(key));
}

/** @param {{host: Host}} props */
export function Loading({host}) {
  return (
    <s-stack gap="small" accessibilityLabel={host.i18n.translate('loading')}>
      <s-skeleton-paragraph content={words(host, 'text')}></s-skeleton-paragraph>
      <s-button loading inlineSize="fill">
        {host.i18n.translate('loading')}
      </s-button>
    </s-stack>
  );
}

/**
 * A button for each channel, the best one first; beside them, on a wide screen, the QR code for going on with the phone.
 *
 * @param {{host: Host, answer: Answer}} props
 */
export function Channels({host, answer}) {
  const qr = showsQr(host) && answer.qr_url;
  return (
    <s-query-container>
      <s-grid gap="base" gridTemplateColumns={qr ? '@container (inline-size > 480px) 1fr auto, 1fr' : '1fr'}>
        <Buttons host={host} channels={answer.channels} />
        {qr && (
          <s-box display="@container (inline-size > 480px) auto, none">
            <s-stack gap="small" alignItems="center">
              <s-qr-code content={qr} size="base" accessibilityLabel={host.i18n.translate('qr_label')}></s-qr-code>
              <s-text color="subdued" type="small">
                {host.i18n.translate('qr_text')}
              </s-text>
            </s-stack>
          </s-box>
        )}
      </s-grid>
    </s-query-container>
  );
}

/**
 * One chats in an app or right here on the web, and writes an e-mail or a text message.
 *
 * @param {Host} host
 * @param {import('./host.js').Channel} channel
 */
export function label(host, channel) {
  if (channel.kind === 'email') return host.i18n.translate('write_email');
  if (channel.kind === 'sms') return host.i18n.translate('write_text');
  if (channel.kind === 'webchat') return host.i18n.translate('chat_here');
  return host.i18n.translate('chat_on', {channel: channel.label});
}

/** @param {{host: Host, channels: import('./host.js').Channel[]}} props */
function Buttons({host, channels}) {
  return (
    <s-stack gap="small">
      {channels.map((channel, place) =>
        channel.url ? (
          <s-button
            key={channel.kind}
            href={channel.url}
            target="_blank"
            variant={place === 0 ? 'primary' : 'secondary'}
            inlineSize="fill"
          >
            {label(host, channel)}
          </s-button>
        ) : (
          <s-paragraph key={channel.kind}>{host.i18n.translate('write_to', {address: channel.address})}</s-paragraph>
        ),
      )}
    </s-stack>
  );
}

/**
 * Our server is away. The order is fine: say so; the buttons that Shopify keeps for us still work.
 *
 * @param {{host: Host, onRetry: () => void}} props
 */
export function Away({host, onRetry}) {
  const {channels} = fallbackOf(host);
  if (channels.length) {
    return (
      <s-stack gap="base">
        <s-paragraph>{words(host, 'text')}</s-paragraph>
        <Buttons host={host} channels={channels} />
      </s-stack>
    );
  }
  return (
    <s-stack gap="base">
      <s-paragraph>{host.i18n.translate('away')}</s-paragraph>
      <s-button variant="secondary" onClick={onRetry}>
        {host.i18n.translate('retry')}
      </s-button>
    </s-stack>
  );
}

/**
 * The question for news of the order: never ticked by us. What was read is named by its version, so that our server
 * keeps the exact words as proof. The tick can be taken back. Where it cannot hold, the server names another question.
 *
 * @param {{host: Host, consent: import('./host.js').Consent, facts: Record<string, unknown>}} props
 */
export function ConsentQuestion({host, consent, facts}) {
  const [asked, setAsked] = useState(consent);
  const [ticked, setTicked] = useState(consent.granted);
  const [note, setNote] = useState('');
  const [busy, setBusy] = useState(false);

  async function save() {
    const granted = !ticked;
    setTicked(granted);
    setBusy(true);
    setNote('');
    try {
      const {kind, version, language} = asked;
      const next = readAnswer(await post(host, 'consent', {...facts, kind, version, language, granted})).consent;
      const moved = next && next.kind !== kind;
      if (moved) {
        setAsked(next);
        setTicked(next.granted);
      }
      setNote(moved ? 'consent_failed' : granted ? 'consent_saved' : 'consent_undone');
    } catch {
      setTicked(!granted);
      setNote('consent_failed');
    }
    setBusy(false);
  }

  return (
    <s-stack gap="small-200">
      <s-checkbox label={asked.question} checked={ticked} disabled={busy} onChange={save}></s-checkbox>
      {note && (
        <s-text color="subdued" type="small">
          {host.i18n.translate(note)}
        </s-text>
      )}
    </s-stack>
  );
}

/**
 * The day on which the order should arrive, as this shopper writes days.
 *
 * @param {{host: Host, day: string}} props `day`: 2026-12-01, or a moment
 */
export function Expected({host, day}) {
  const date = new Date(day.length === 10 ? `${day}T12:00:00Z` : day);
  if (!day || Number.isNaN(date.getTime())) return null;
  const shown = host.i18n.formatDate(date, {weekday: 'long', day: 'numeric', month: 'long'});
  return (
    <s-stack direction="inline" gap="small-200" alignItems="center">
      <s-icon type="delivery"></s-icon>
      <s-text>{host.i18n.translate('expected', {day: shown})}</s-text>
    </s-stack>
  );
}
