import {APP_URL, TIMEOUT_MS} from './config.js';
import {fallbackOf} from './fallback.js';

/**
 * What we use of Shopify's `shopify` global: the same on the thank-you page and on the order-status page.
 *
 * @typedef {{
 *   sessionToken: {get(): Promise<string>},
 *   i18n: {translate(key: string, values?: Record<string, any>): any, formatDate(date: Date, options?: any): string},
 *   settings?: {value?: Record<string, unknown>},
 *   localization?: any,
 *   appMetafields?: {value?: any[]},
 *   checkoutToken?: {value?: string},
 * }} Host
 * @typedef {{kind: string, label: string, url: string, address?: string}} Channel
 * @typedef {{kind: string, question: string, version: string, language: string, granted: boolean}} Consent
 * @typedef {{state: string, expected: string, text: string, tracking_url: string, sign_in: boolean, review: boolean, review_url: string}} Told
 * @typedef {{heading: string, text: string, channels: Channel[], url: string, qr_url: string, code: string,
 *   expected: string, consent: Consent | null, order: Told | null}} Answer
 */

/** @param {Host} host */
export function languageOf(host) {
  return String(host.localization?.language?.value?.isoCode ?? '');
}

/** @param {Host} host */
export function countryOf(host) {
  return String(host.localization?.country?.value?.isoCode ?? '');
}

/**
 * The merchant's setting, which is empty until it is filled in.
 *
 * @param {Host} host
 * @param {string} key
 */
export function setting(host, key) {
  const value = (host.settings?.value ?? {})[key];
  return typeof value === 'string' ? value.trim() : '';
}

/** @param {Host} host */
export function showsQr(host) {
  return (host.settings?.value ?? {}).show_qr !== false;
}

/**
 * Did the checkout ask for a phone number? Undefined where this app may not see it (protected customer data).
 * The number itself is never looked at.
 *
 * @param {any} host
 * @returns {boolean | undefined}
 */
export function hasPhone(host) {
  const address = 'shippingAddress' in host ? host.shippingAddress : undefined;
  const buyer = 'buyerIdentity' in host ? host.buyerIdentity : undefined;
  if (!address && !buyer) return undefined;
  return Boolean(address?.value?.phone || buyer?.phone?.value);
}

/**
 * Where our server is: the block's own setting, else what our server has told Shopify, else what was built in.
 *
 * @param {Host} host
 */
export function serverOf(host) {
  const told = setting(host, 'app_url') || fallbackOf(host).appUrl || APP_URL;
  return told.replace(/\/+$/, '');
}

/**
 * Ask our server. Throws where no usable answer comes in time. The token proves the shop; the checkout token ties the
 * answer to the order. Nothing personal is sent.
 *
 * @param {Host} host
 * @param {string} path
 * @param {Record<string, unknown>} facts
 * @returns {Promise<any>}
 */
export async function post(host, path, facts) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(`${serverOf(host)}/api/extension/${path}`, {
      method: 'POST',
      headers: {Authorization: `Bearer ${await host.sessionToken.get()}`, 'Content-Type': 'application/json'},
      body: JSON.stringify({
        checkout_token: host.checkoutToken?.value ?? '',
        language: languageOf(host),
        country: countryOf(host),
        ...facts,
      }),
      signal: controller.signal,
    });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    return await response.json();
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Only https links are shown (http on this machine, for the demo), whatever the answer holds.
 *
 * @param {any} data
 * @returns {Answer}
 */
export function readAnswer(data) {
  const channels = Array.isArray(data?.channels) ? data.channels : [];
  const consent = data?.consent;
  const order = data?.order;
  return {
    heading: text(data?.heading),
    text: text(data?.text),
    channels: channels
      .filter((/** @type {any} */ channel) => isSafe(channel?.url) && text(channel?.label))
      .map((/** @type {any} */ channel) => ({kind: text(channel.kind), label: text(channel.label), url: channel.url})),
    url: safe(data?.url),
    qr_url: safe(data?.qr_url),
    code: text(data?.code),
    expected: text(data?.expected),
    consent:
      text(consent?.question) && text(consent?.version)
        ? {
            kind: text(consent.kind),
            question: consent.question,
            version: consent.version,
            language: text(consent.language),
            granted: consent.granted === true,
          }
        : null,
    order:
      order && typeof order === 'object'
        ? {
            state: text(order.state),
            expected: text(order.expected),
            text: text(order.text),
            tracking_url: safe(order.tracking_url),
            sign_in: order.sign_in === true,
            review: order.review === true,
            review_url: safe(order.review_url),
          }
        : null,
  };
}

/** @param {unknown} value */
export function text(value) {
  return typeof value === 'string' ? value : '';
}

/** @param {unknown} url */
export function isSafe(url) {
  return typeof url === 'string' && /^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost)[:/])/i.test(url);
}

/** @param {any} url */
function safe(url) {
  return isSafe(url) ? url : '';
}
