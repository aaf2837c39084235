// What the tests of the extensions share: our server's answer, and how to look at what was drawn.
import {vi} from 'vitest';

export const ANSWER = {
  heading: '',
  text: '',
  expected: '',
  consent: null,
  channels: [
    {kind: 'whatsapp', label: 'WhatsApp', url: 'https://app.example.test/c/AB3KQ9ZT7MXW2HHC?via=whatsapp'},
    {kind: 'email', label: 'E-mail', url: 'https://app.example.test/c/AB3KQ9ZT7MXW2HHC?via=email'},
  ],
  url: 'https://app.example.test/c/AB3KQ9ZT7MXW2HHC',
  qr_url: 'HTTPS://APP.EXAMPLE.TEST/C/AB3KQ9ZT7MXW2HHC',
  code: 'AB3K-Q9ZT-7MXW-2HHC',
};

// What our server leaves at Shopify for the time when it is away.
export const CONFIG = {
  version: 1, app_url: 'https://chat.fern.example', language: 'en', kinds: ['whatsapp', 'email'],
  ranking: [{kinds: ['messenger', 'whatsapp'], countries: ['PL', 'US']}],
  channels: [
    {kind: 'whatsapp', label: 'WhatsApp', url: 'https://wa.me/155507838?text={hello}'},
    {kind: 'messenger', label: 'Messenger', url: 'https://m.me/fern'},
    {kind: 'email', label: 'E-mail', address: 'hello@fern.example'},
  ],
  words: {en: {heading: 'Talk to Fern', text: 'We answer at once'}}, hello: {en: 'Hi & hello'},
};
export const keep = (extension, config) => {
  const value = typeof config === 'string' ? config : JSON.stringify(config);
  extension.shopify.appMetafields.value = [
    {target: {type: 'shop', id: 'gid://shopify/Shop/1'}, metafield: {namespace: '$app', key: 'checkout', value, valueType: 'json_string', type: 'json'}},
  ];
};
export const broken = () => vi.fn(async () => Promise.reject(new TypeError('Failed to fetch')));

// Translates with the words of one locale's file; a word that is not there fails the test.
export const speak = (extension, words) => {
  extension.shopify.i18n.translate = (key, values = {}) => {
    if (!words[key]) throw new Error(`no words for ${key}`);
    return words[key].replace(/\{\{(\w+)\}\}/g, (_, name) => values[name]);
  };
};

export const all = (selector) => [...document.body.querySelectorAll(selector)];
export const answers = (body, status = 200) => vi.fn(async () => new Response(JSON.stringify(body), {status}));
