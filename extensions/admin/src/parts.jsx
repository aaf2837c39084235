/**
 * @typedef {(key: string, values?: Record<string, string | number>) => string} Translate
 * @typedef {{path: string, channel: string, last_text: string, last_at: string, unread: number, state: string}} Conversation
 * @typedef {{name: string, state: string, detail: string}} Flow
 * @typedef {{rating: number, text: string, product: string, photos: number, rewarded: boolean, hidden: boolean}} Review
 */

/** @param {{t: Translate}} props */
export function Loading({t}) {
  return (
    <s-stack direction="inline" gap="small" alignItems="center">
      <s-spinner accessibilityLabel={t('loading')}></s-spinner>
      <s-text color="subdued">{t('loading')}</s-text>
    </s-stack>
  );
}

/** @param {{t: Translate, onRetry: () => void}} props */
export function Away({t, onRetry}) {
  return (
    <s-stack gap="base">
      <s-banner tone="warning">{t('away')}</s-banner>
      <s-stack direction="inline">
        <s-button onClick={onRetry}>{t('retry')}</s-button>
      </s-stack>
    </s-stack>
  );
}

/**
 * The frame of both blocks. `draw` is asked once there is an answer with something in it; else `none` says so.
 * @param {{t: Translate, state: import('./use_answer.js').State, onRetry: () => void, none: string, draw: (answer: any) => any}} props
 */
export function Block({t, state, onRetry, none, draw}) {
  const ready = state.name === 'ready';
  const answer = ready && state.answer.found ? state.answer : null;
  const summary = answer?.conversation ? t(`state_${answer.conversation.state}`) : t('no_chat');
  return (
    <s-admin-block heading={t('heading')} collapsedSummary={ready ? summary : ''}>
      {state.name === 'loading' && <Loading t={t} />}
      {(state.name === 'away' || state.name === 'refused') && <Away t={t} onRetry={onRetry} />}
      {ready && !answer && <s-paragraph>{none}</s-paragraph>}
      {answer && <s-stack gap="base">{draw(answer)}</s-stack>}
    </s-admin-block>
  );
}

/** @param {{t: Translate, conversation: Conversation | null, none: string}} props */
export function ConversationPart({t, conversation, none}) {
  if (!conversation) return <s-paragraph>{none}</s-paragraph>;
  const state = ['open', 'person', 'closed'].includes(conversation.state) ? conversation.state : 'open';
  return (
    <s-stack gap="small">
      <s-stack direction="inline" gap="small" alignItems="center">
        <s-badge tone={state === 'person' ? 'warning' : 'neutral'}>{t(`state_${state}`)}</s-badge>
        {conversation.channel && <s-text color="subdued">{conversation.channel}</s-text>}
        {conversation.unread > 0 && <s-badge tone="info">{t('unread', {number: conversation.unread})}</s-badge>}
      </s-stack>
      {conversation.last_text && <s-paragraph>{conversation.last_text}</s-paragraph>}
      <s-link href={`app:${inApp(conversation.path)}`}>{t('open_conversation')}</s-link>
    </s-stack>
  );
}

/** @param {{t: Translate, flows: Flow[]}} props */
export function FlowsPart({t, flows}) {
  const tones = /** @type {const} */ ({active: 'success', ended: 'neutral', parked: 'critical'});
  return (
    <s-stack gap="small-200">
      <s-heading>{t('flows')}</s-heading>
      {flows.length === 0 && <s-text color="subdued">{t('no_flows')}</s-text>}
      {flows.map((flow, place) => {
        const state = flow.state === 'active' || flow.state === 'parked' ? flow.state : 'ended';
        return (
          <s-stack key={place} direction="inline" gap="small" alignItems="center">
            <s-text>{flow.name}</s-text>
            <s-badge tone={tones[state]}>{t(`flow_${state}`)}</s-badge>
            {flow.detail && <s-text color="subdued">{flow.detail}</s-text>}
          </s-stack>
        );
      })}
    </s-stack>
  );
}

/** @param {{t: Translate, reviews: Review[]}} props */
export function ReviewsPart({t, reviews}) {
  return (
    <s-stack gap="small-200">
      <s-heading>{t('reviews')}</s-heading>
      {reviews.length === 0 && <s-text color="subdued">{t('no_reviews')}</s-text>}
      {reviews.map((review, place) => (
        <s-stack key={place} gap="small-300">
          <s-stack direction="inline" gap="small" alignItems="center">
            <s-text>{t('stars', {rating: review.rating})}</s-text>
            {review.product && <s-text color="subdued">{review.product}</s-text>}
            {review.rewarded && <s-badge>{t('rewarded')}</s-badge>}
            {review.hidden && <s-badge tone="warning">{t('hidden')}</s-badge>}
            {review.photos > 0 && <s-text color="subdued">{t('photos', {number: review.photos})}</s-text>}
          </s-stack>
          {review.text && <s-paragraph>{review.text}</s-paragraph>}
        </s-stack>
      ))}
      {reviews.length > 0 && <s-link href="app:reviews">{t('open_reviews')}</s-link>}
    </s-stack>
  );
}

/**
 * Only paths of our own pages: letters, digits, dashes and slashes.
 *
 * @param {unknown} path
 */
export function inApp(path) {
  return typeof path === 'string' && /^[a-z0-9-]+(\/[a-z0-9-]+)*$/.test(path) ? path : '';
}

/**
 * @param {unknown} value
 * @returns {any[]}
 */
export function list(value) {
  return Array.isArray(value) ? value : [];
}
