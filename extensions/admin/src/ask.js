export const TIMEOUT_MS = 8000;

/** What our server says no to, with its word for why. */
export class Refused extends Error {
  /** @param {any} answer */
  constructor(answer) {
    super(String(answer?.error ?? ''));
    this.why = String(answer?.error ?? '');
    this.words = String(answer?.message ?? '');
  }
}

/**
 * Our server's own words for a no; empty for any other trouble.
 *
 * @param {unknown} error
 */
export function wordsOf(error) {
  return error instanceof Refused ? error.words : '';
}

/**
 * Ask our server. The address is relative: Shopify resolves it to this app's own. The ID token proves shop and staff.
 * Throws Refused where the answer is a clear no (422), Error where no usable answer comes in time.
 *
 * @param {{idToken: () => Promise<string | null>}} auth
 * @param {string} path
 * @param {object} question
 * @returns {Promise<any>}
 */
export async function ask(auth, path, question) {
  const token = await auth.idToken();
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: {Authorization: `Bearer ${token}`, 'Content-Type': 'application/json'},
      body: JSON.stringify(question),
      signal: controller.signal,
    });
    const answer = await response.json();
    if (response.status === 422) throw new Refused(answer);
    if (!response.ok || typeof answer !== 'object' || answer === null) throw new Error(`answered ${response.status}`);
    return answer;
  } finally {
    clearTimeout(timer);
  }
}
