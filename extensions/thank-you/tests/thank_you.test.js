import {getExtension} from '@shopify/ui-extensions-tester';
import {waitFor} from '@testing-library/preact';
import {render} from 'preact';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';

import {ANSWER, CONFIG, all, answers, broken, keep, speak} from '../../shared/testing.js';

const extension = getExtension('purchase.thank-you.block.render');
beforeEach(() => {
  extension.setUp();
  extension.shopify.orderConfirmation.value = {
    order: {id: 'gid://shopify/OrderIdentity/5123'},
    number: 'XPAV284CT',
    isFirstOrder: true,
  };
  extension.shopify.checkoutToken.value = '3f2c1a9be7d84d2f9d3f8b7a6c5e4d3c';
  extension.shopify.settings.value = {app_url: '', heading: '', text: '', show_qr: true};
});
afterEach(() => {
  render(null, document.body); // the tester's own copy of Preact does not know our tree
  extension.tearDown();
});

test('it shows a button for each channel, the best one first and primary', async () => {
  extension.fetch = answers(ANSWER);
  await extension.render();
  await waitFor(() => expect(all('s-button[href]')).toHaveLength(2));
  expect(all('s-button').map((button) => button.getAttribute('href'))).toEqual(ANSWER.channels.map((c) => c.url));
  expect(all('s-button').map((button) => button.getAttribute('variant'))).toEqual(['primary', 'secondary']);
  expect(all('s-qr-code').map((code) => code.getAttribute('content'))).toEqual([ANSWER.qr_url]);
});

test('one chats in an app or right here, and writes an e-mail or a text message', async () => {
  const more = ['webchat', 'sms'].map((kind) => ({kind, label: kind, url: `${ANSWER.url}?via=${kind}`}));
  extension.fetch = answers({...ANSWER, channels: [...ANSWER.channels, ...more]});
  await extension.render();
  await waitFor(() => expect(all('s-button[href]')).toHaveLength(4));
  const words = all('s-button').map((button) => button.textContent.trim());
  expect(words).toEqual(['chat_on', 'write_email', 'chat_here', 'write_text']);
});

test('it asks with the session token, the order id and the checkout token, and with nothing else', async () => {
  extension.fetch = answers(ANSWER);
  await extension.render();
  await waitFor(() => expect(all('s-button[href]')).toHaveLength(2));
  expect(extension.fetch.mock.calls).toHaveLength(1);
  const [url, options] = extension.fetch.mock.calls[0];
  expect(url).toMatch(/\/api\/extension\/thank-you$/);
  expect(options.headers.Authorization).toBe('Bearer mock-session-token');
  const body = JSON.parse(options.body);
  expect(Object.keys(body).sort()).toEqual(['checkout_token', 'country', 'language', 'order_id']);
  expect(body.order_id).toBe('gid://shopify/OrderIdentity/5123');
  expect(body.checkout_token).toBe('3f2c1a9be7d84d2f9d3f8b7a6c5e4d3c');
});

test('while it waits it shows a skeleton and no link', async () => {
  extension.fetch = vi.fn(() => new Promise(() => {}));
  await extension.render();
  expect(all('s-skeleton-paragraph')).toHaveLength(1);
  expect(all('s-button[href]')).toHaveLength(0);
});

test.each([
  ['answers 500', () => answers({error: 'x'}, 500)],
  ['cannot be reached', () => vi.fn(async () => Promise.reject(new TypeError('Failed to fetch')))],
  ['answers something that is not JSON', () => vi.fn(async () => new Response('<html>', {status: 200}))],
])('when our server %s it says so and another try works', async (_name, broken) => {
  extension.fetch = broken();
  await extension.render();
  await waitFor(() => expect(all('s-paragraph').map((p) => p.textContent)).toEqual(['away']));
  expect(all('s-skeleton-paragraph')).toHaveLength(0);
  extension.fetch = answers(ANSWER);
  all('s-button')[0].click();
  await waitFor(() => expect(all('s-button[href]')).toHaveLength(2));
});

test('a shop without a channel gets a plain line and no buttons', async () => {
  extension.fetch = answers({...ANSWER, channels: []});
  await extension.render();
  await waitFor(() => expect(all('s-paragraph').map((p) => p.textContent)).toEqual(['empty']));
  expect(all('s-button')).toHaveLength(0);
});

test('a link that is not https is not shown', async () => {
  extension.fetch = answers({
    ...ANSWER,
    qr_url: 'javascript:alert(1)',
    channels: [{kind: 'x', label: 'X', url: 'javascript:alert(1)'}, ANSWER.channels[0]],
  });
  await extension.render();
  await waitFor(() => expect(all('s-button[href]')).toHaveLength(1));
  expect(all('s-qr-code')).toHaveLength(0);
});

test('the words of the merchant win over ours, and the QR code can be switched off', async () => {
  extension.shopify.settings.value = {app_url: 'https://chat.shop.example/', heading: 'Any questions?', text: 'We are here', show_qr: false};
  extension.fetch = answers(ANSWER);
  await extension.render();
  await waitFor(() => expect(all('s-button[href]')).toHaveLength(2));
  expect(extension.fetch.mock.calls[0][0]).toBe('https://chat.shop.example/api/extension/thank-you');
  expect(all('s-section')[0].getAttribute('heading') ?? all('s-section')[0].heading).toBe('Any questions?');
  expect(all('s-paragraph')[0].textContent).toBe('We are here');
  expect(all('s-qr-code')).toHaveLength(0);
});

const CONSENT = {kind: 'whatsapp', question: 'Yes, send me news of this order', version: '2026-11-25', language: 'en', granted: false};
const checkbox = () => document.body.querySelector('s-checkbox');

test('the question for news is not ticked, and the tick names the version that was read', async () => {
  extension.fetch = answers({...ANSWER, consent: CONSENT});
  await extension.render();
  await waitFor(() => expect(checkbox()).not.toBeNull());
  expect(checkbox().checked || checkbox().hasAttribute('checked')).toBe(false);
  extension.fetch = answers({granted: true});
  checkbox().dispatchEvent(new Event('change', {bubbles: true}));
  await waitFor(() => expect(all('s-text').map((t) => t.textContent)).toContain('consent_saved'));
  const [url, options] = extension.fetch.mock.calls[0];
  expect(url).toMatch(/\/api\/extension\/consent$/);
  expect(JSON.parse(options.body)).toMatchObject({
    kind: 'whatsapp', version: '2026-11-25', language: 'en', granted: true, checkout_token: '3f2c1a9be7d84d2f9d3f8b7a6c5e4d3c',
  });
});

test('a tick that cannot hold is asked anew by the network that works', async () => {
  extension.fetch = answers({...ANSWER, consent: CONSENT});
  await extension.render();
  await waitFor(() => expect(checkbox()).not.toBeNull());
  extension.fetch = answers({granted: true, consent: {...CONSENT, kind: 'email', question: 'Yes, by e-mail'}});
  checkbox().dispatchEvent(new Event('change', {bubbles: true}));
  await waitFor(() => expect(checkbox().getAttribute('label') ?? checkbox().label).toBe('Yes, by e-mail'));
  expect(Boolean(checkbox().checked)).toBe(false);
  expect(all('s-text').map((t) => t.textContent)).toContain('consent_failed');
  extension.fetch = answers({granted: true});
  checkbox().dispatchEvent(new Event('change', {bubbles: true}));
  await waitFor(() => expect(all('s-text').map((t) => t.textContent)).toContain('consent_saved'));
  expect(JSON.parse(extension.fetch.mock.calls[0][1].body)).toMatchObject({kind: 'email', granted: true});
});

test.each([
  ['de', {}, 'heading', 'text'],
  ['ar', {}, 'heading', 'text'],
  ['en-GB', {}, 'Talk to Fern', 'We answer at once'],
  ['pt-PT', {}, 'Fale conosco', 'text'],
  ['de', {words_everywhere: true}, 'Talk to Fern', 'We answer at once'],
])('a shopper of %s reads the merchant only in that language, else ours: %j', async (language, more, heading, words) => {
  extension.shopify.localization = {language: {value: {isoCode: language}}, country: {value: {isoCode: 'GB'}}};
  extension.shopify.settings.value = {app_url: '', heading: '', text: '', show_qr: true};
  keep(extension, {...CONFIG, ...more, words: {...CONFIG.words, 'pt-BR': {heading: 'Fale conosco'}}});
  extension.fetch = broken();
  await extension.render();
  await waitFor(() => expect(all('s-button[href]').length).toBeGreaterThan(0));
  expect(all('s-section')[0].getAttribute('heading') ?? all('s-section')[0].heading).toBe(heading);
  expect(all('s-paragraph')[0].textContent).toBe(words);
});

test("the block's own setting is in the shop's language and is for its shoppers", async () => {
  extension.shopify.localization = {language: {value: {isoCode: 'de'}}, country: {value: {isoCode: 'DE'}}};
  extension.shopify.settings.value = {app_url: '', heading: 'Any questions?', text: '', show_qr: true};
  keep(extension, {...CONFIG, words: {}});
  extension.fetch = broken();
  await extension.render();
  await waitFor(() => expect(all('s-button[href]').length).toBeGreaterThan(0));
  expect(all('s-section')[0].getAttribute('heading') ?? all('s-section')[0].heading).toBe('heading');
});

test('a tick that could not be saved says so and is taken back', async () => {
  extension.fetch = answers({...ANSWER, consent: CONSENT});
  await extension.render();
  await waitFor(() => expect(checkbox()).not.toBeNull());
  extension.fetch = answers({error: 'x'}, 500);
  checkbox().dispatchEvent(new Event('change', {bubbles: true}));
  await waitFor(() => expect(all('s-text').map((t) => t.textContent)).toContain('consent_failed'));
  expect(Boolean(checkbox().checked)).toBe(false);
});

test('the day is shown where our server or the carrier knows one', async () => {
  extension.fetch = answers({...ANSWER, expected: '2026-12-01'});
  await extension.render();
  await waitFor(() => expect(all('s-text').map((t) => t.textContent)).toContain('expected'));
});

test('when our server is away the buttons that Shopify keeps still work, in the order of the country', async () => {
  keep(extension, CONFIG);
  extension.fetch = broken();
  await extension.render();
  await waitFor(() => expect(all('s-button[href]').map((b) => b.getAttribute('href'))).toEqual([
    'https://m.me/fern', 'https://wa.me/155507838?text=Hi%20%26%20hello',
  ]));
  expect(extension.fetch.mock.calls[0][0]).toBe('https://chat.fern.example/api/extension/thank-you');
  expect(all('s-section')[0].getAttribute('heading') ?? all('s-section')[0].heading).toBe('Talk to Fern');
  expect(all('s-paragraph')[0].textContent).toBe('We answer at once');
});

test('an address is shown to write to where mail is what there is', async () => {
  keep(extension, {...CONFIG, ranking: [], kinds: ['email']});
  extension.fetch = broken();
  await extension.render();
  await waitFor(() => expect(all('s-paragraph').map((p) => p.textContent)).toContain('write_to'));
});

test.each([
  ['half written', '{"version":1'],
  ['of another version', {...CONFIG, version: 2}],
  ['full of odd things', {...CONFIG, ranking: [null, 5], kinds: ['whatsapp', 7, null], channels: [null, {kind: 'whatsapp', label: 'WhatsApp', url: 'javascript:alert(1)'}], words: 3, hello: null, app_url: 'ftp://x'}],
])('a metafield that is %s does no harm', async (_name, config) => {
  keep(extension, config);
  extension.fetch = broken();
  await extension.render();
  await waitFor(() => expect(all('s-paragraph').map((p) => p.textContent)).toEqual(['away']));
  expect(all('s-button[href]')).toHaveLength(0);
});

test('protected data that is missing changes nothing but the phone question', async () => {
  extension.fetch = answers(ANSWER);
  await extension.render();
  await waitFor(() => expect(all('s-button[href]')).toHaveLength(2));
  expect(JSON.parse(extension.fetch.mock.calls[0][1].body)).not.toHaveProperty('has_phone');
});

test('an order that is not there yet is asked for by its checkout token', async () => {
  extension.shopify.orderConfirmation.value = undefined;
  extension.fetch = answers(ANSWER);
  await extension.render();
  await waitFor(() => expect(all('s-button[href]')).toHaveLength(2));
  expect(JSON.parse(extension.fetch.mock.calls[0][1].body)).toMatchObject({order_id: '', checkout_token: '3f2c1a9be7d84d2f9d3f8b7a6c5e4d3c'});
});

const LOCALES = import.meta.glob('../locales/*.json', {eager: true});
test.each(Object.keys(LOCALES))('in the words of %s nothing is left untranslated', async (file) => {
  const words = LOCALES[file].default;
  speak(extension, words);
  extension.fetch = answers({...ANSWER, consent: CONSENT, expected: '2026-12-01'});
  await extension.render();
  await waitFor(() => expect(all('s-button[href]')).toHaveLength(2));
  expect(document.body.textContent).not.toMatch(/\{\{|undefined/);
  expect(all('s-button')[0].textContent).toContain('WhatsApp');
});
