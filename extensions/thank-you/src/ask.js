import {APP_URL, TIMEOUT_MS} from './config.js';

/**
 * @typedef {{kind: string, label: string, url: string}} Channel
 * @typedef {{heading: string, channels: Channel[], url: string, qr_url: string, code: string}} Answer
 */

/**
 * Ask our server for this shopper's links. Throws where no usable answer comes in time.
 * The token proves the shop; the checkout token ties the answer to the order. Nothing personal is sent.
 *
 * @param {import('@shopify/ui-extensions/purchase.thank-you.block.render').Api} shopify
 * @param {string} [appUrl]
 * @returns {Promise<Answer>}
 */
export async function ask(shopify, appUrl) {
  const token = await shopify.sessionToken.get();
  const localization = shopify.localization;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(`${(appUrl || APP_URL).replace(/\/+$/, '')}/api/extension/thank-you`, {
      method: 'POST',
      headers: {Authorization: `Bearer ${token}`, 'Content-Type': 'application/json'},
      body: JSON.stringify({
        order_id: shopify.orderConfirmation?.value?.order?.id ?? '',
        checkout_token: shopify.checkoutToken?.value ?? '',
        language: localization?.language?.value?.isoCode ?? '',
        country: localization?.country?.value?.isoCode ?? '',
      }),
      signal: controller.signal,
    });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    return readAnswer(await response.json());
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
  return {
    heading: text(data?.heading),
    channels: channels
      .filter((/** @type {any} */ channel) => isSafe(channel?.url) && text(channel?.label))
      .map((/** @type {any} */ channel) => ({
        kind: text(channel.kind),
        label: text(channel.label),
        url: channel.url,
      })),
    url: isSafe(data?.url) ? data.url : '',
    qr_url: isSafe(data?.qr_url) ? data.qr_url : '',
    code: text(data?.code),
  };
}

/** @param {unknown} value */
function text(value) {
  return typeof value === 'string' ? value : '';
}

/** @param {unknown} url */
function isSafe(url) {
  return typeof url === 'string' && /^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost)[:/])/i.test(url);
}
