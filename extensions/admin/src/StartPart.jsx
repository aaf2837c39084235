import {useState} from 'preact/hooks';

import {ask, wordsOf} from './ask.js';

/**
 * One flow for this order, by hand. A click has a key of its own, so that asking twice starts once.
 *
 * @param {{t: import('./parts.jsx').Translate, auth: {idToken: () => Promise<string | null>}, id: string,
 *   flows: {key: string, name: string}[], onStarted: () => void}} props
 */
export function StartPart({t, auth, id, flows, onStarted}) {
  const [flow, setFlow] = useState(String(flows[0]?.key ?? ''));
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState('');
  const [key, setKey] = useState(newKey);
  if (flows.length === 0) return null;
  async function start() {
    if (busy) return;
    setBusy(true);
    setTrouble('');
    try {
      await ask(auth, '/api/admin/start', {id, flow, key});
      setKey(newKey());
      onStarted();
    } catch (error) {
      setTrouble(wordsOf(error) || t('start_failed'));
    }
    setBusy(false);
  }
  return (
    <s-stack gap="small-200">
      <s-select
        label={t('start')}
        value={flow}
        onChange={(/** @type {Event} */ event) => setFlow(/** @type {HTMLSelectElement} */ (event.currentTarget).value)}
      >
        {flows.map(({key: name, name: title}) => (
          <s-option key={name} value={name}>
            {title}
          </s-option>
        ))}
      </s-select>
      {trouble && <s-banner tone="warning">{trouble}</s-banner>}
      <s-stack direction="inline">
        <s-button disabled={busy} onClick={start}>
          {t('start_now')}
        </s-button>
      </s-stack>
    </s-stack>
  );
}

function newKey() {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 12)}`;
}
