import {Away, Loading} from './parts.jsx';
import {useAnswer} from './use_answer.js';

/**
 * Asks for a document with one card for each order. Until it is there, and where it cannot be made, there is no `src`:
 * Shopify then keeps its print button off.
 *
 * @param {{t: import('./parts.jsx').Translate, auth: {idToken: () => Promise<string | null>}, ids: string[]}} props
 */
export function PrintCards({t, auth, ids}) {
  const [state, load] = useAnswer(auth, '/api/admin/print', {ids});
  const source = state.name === 'ready' && /^\/api\/admin\/cards\/[\w.:~-]+$/.test(state.answer.src) ? state.answer.src : '';
  const missing = source ? ids.length - Number(state.name === 'ready' && state.answer.count) : 0;
  return (
    <s-admin-print-action {...(source ? {src: source} : {})}>
      <s-stack gap="base">
        {state.name === 'loading' && <Loading t={t} />}
        {(state.name === 'away' || (state.name === 'ready' && !source)) && <Away t={t} onRetry={load} />}
        {state.name === 'refused' && (
          <s-banner tone="critical">
            {(state.why === 'refused' && state.words) || t(state.why === 'too_many' ? 'print_too_many' : 'print_unknown')}
          </s-banner>
        )}
        {source && <s-paragraph>{t('print_text', {number: ids.length - missing})}</s-paragraph>}
        {missing > 0 && <s-banner tone="warning">{t('print_missing', {number: missing})}</s-banner>}
      </s-stack>
    </s-admin-print-action>
  );
}
