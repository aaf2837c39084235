import {countryOf, isSafe, languageOf, text} from './host.js';

/**
 * What our server has left at Shopify (an app-owned metafield of the shop), so that the block has its words at once and
 * its buttons also while our server is away. These buttons carry no code: the shopper is asked for the order in the chat.
 * `own`: the merchant's words in the shop's own language suit this shopper too.
 *
 * @typedef {{appUrl: string, heading: string, text: string, own: boolean, channels: import('./host.js').Channel[]}} Fallback
 */

const MAIL = /^[^\s@<>"']{1,64}@[^\s@<>"'?&]{1,255}$/;

/**
 * @param {import('./host.js').Host} host
 * @returns {Fallback}
 */
export function fallbackOf(host) {
  const config = read(host);
  const language = languageOf(host).toLowerCase();
  const home = text(config.language).toLowerCase();
  const own = !home || !language || base(language) === base(home) || config.words_everywhere === true;
  const words = pick(config.words, language) ?? (own ? pick(config.words, home) : undefined) ?? {};
  const hello = pick(config.hello, language) ?? pick(config.hello, 'en');
  const ranked = rank(config, countryOf(host).toUpperCase());
  const offered = Array.isArray(config.channels) ? config.channels : [];
  const channels = ranked.flatMap((kind) => {
    const found = offered.find((/** @type {any} */ channel) => channel?.kind === kind);
    const channel = found && direct(found, text(hello));
    return channel ? [channel] : [];
  });
  return {
    appUrl: isSafe(config.app_url) ? config.app_url : '',
    heading: text(words.heading),
    text: text(words.text),
    own,
    channels,
  };
}

/**
 * @param {import('./host.js').Host} host
 * @returns {any}
 */
function read(host) {
  for (const entry of host.appMetafields?.value ?? []) {
    if (entry?.target?.type !== 'shop' || entry?.metafield?.key !== 'checkout') continue;
    try {
      const value = entry.metafield.value;
      const config = typeof value === 'string' ? JSON.parse(value) : value;
      if (config && typeof config === 'object' && config.version === 1) return config;
    } catch {
      // Not ours, or half written: the block then says so in words.
    }
  }
  return {};
}

/**
 * The row of this language, else of the same language elsewhere: "pt-pt" reads what was written as "pt-BR".
 *
 * @param {any} table
 * @param {string} language
 */
function pick(table, language) {
  if (!table || typeof table !== 'object') return undefined;
  const tags = Object.keys(table);
  const tag = tags.find((each) => each.toLowerCase() === language) ?? tags.find((each) => base(each) === base(language));
  return tag === undefined ? undefined : table[tag];
}

/** @param {string} language */
function base(language) {
  return language.toLowerCase().split('-')[0];
}

/**
 * @param {any} config
 * @param {string} country
 * @returns {string[]}
 */
function rank(config, country) {
  const rows = Array.isArray(config.ranking) ? config.ranking : [];
  const row = rows.find((/** @type {any} */ each) => Array.isArray(each?.countries) && each.countries.includes(country));
  const kinds = row?.kinds ?? config.kinds;
  return Array.isArray(kinds) ? kinds : [];
}

/**
 * @param {any} channel
 * @param {string} hello
 */
function direct(channel, hello) {
  const {kind, label} = channel;
  if (typeof label !== 'string' || !label) return null;
  if (kind === 'email') return MAIL.test(channel.address) ? {kind, label, url: '', address: channel.address} : null;
  const url = text(channel.url).replace('{hello}', encodeURIComponent(hello));
  return isSafe(url) ? {kind, label, url} : null;
}
