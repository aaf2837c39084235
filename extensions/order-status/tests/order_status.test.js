import {getExtension} from '@shopify/ui-extensions-tester';
import {waitFor} from '@testing-library/preact';
import {render} from 'preact';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';

import {CONFIG, ANSWER as PLAIN, all, answers, broken, keep, speak} from '../../shared/testing.js';

const extension = getExtension('customer-account.order-status.block.render');
const ANSWER = {...PLAIN, order: null};

beforeEach(() => {
  extension.setUp();
  extension.shopify.order.value = {id: 'gid://shopify/Order/5123', name: '#4711'};
  extension.shopify.authenticationState.value = 'fully_authenticated';
  extension.shopify.checkoutToken.value = '3f2c1a9be7d84d2f9d3f8b7a6c5e4d3c';
  extension.shopify.settings.value = {app_url: '', heading: '', text: '', show_qr: true};
});
afterEach(() => {
  render(null, document.body); // the tester's own copy of Preact does not know our tree
  extension.tearDown();
});

const TOLD = {state: 'in_transit', expected: '2026-12-01', text: 'On its way with DHL.\nThe rest follows.', tracking_url: 'https://tracking.example.test/1', sign_in: false, review: false};
const shows = async (order) => {
  extension.fetch = answers({...ANSWER, order});
  await extension.render();
  await waitFor(() => expect(all('s-button[href]').length).toBeGreaterThan(1));
};

test('signed in, it shows the state, where the parcel is, and the tracking', async () => {
  await shows(TOLD);
  expect(all('s-badge').map((b) => b.textContent)).toEqual(['state_in_transit']);
  expect(all('s-paragraph').map((p) => p.textContent)).toEqual(['On its way with DHL.', 'The rest follows.', 'text']);
  expect(all('s-link').map((l) => l.getAttribute('href'))).toEqual(['https://tracking.example.test/1']);
});

test('the carriers\' addresses among the lines become links, each shown once', async () => {
  await shows({...TOLD, text: 'The mug is on its way.\nhttps://tracking.example.test/1\nThe board too.\nhttps://tracking.example.test/2'});
  expect(all('s-link').map((l) => l.getAttribute('href'))).toEqual(['https://tracking.example.test/1', 'https://tracking.example.test/2']);
  expect(document.body.textContent).not.toContain('https://');
});

test('pre-authenticated, it shows the bare state, the day, and a way to sign in', async () => {
  extension.shopify.authenticationState.value = 'pre_authenticated';
  extension.shopify.requireLogin = vi.fn(async () => {});
  await shows({...TOLD, text: '', tracking_url: '', sign_in: true});
  expect(all('s-badge').map((b) => b.textContent)).toEqual(['state_in_transit']);
  expect(all('s-text').map((t) => t.textContent)).toContain('expected');
  const button = all('s-button').find((b) => b.textContent === 'sign_in');
  button.click();
  expect(extension.shopify.requireLogin).toHaveBeenCalledOnce();
});

test('who is signed in already is not asked to sign in', async () => {
  await shows({...TOLD, text: '', tracking_url: '', sign_in: true});
  expect(all('s-button').map((b) => b.textContent)).not.toContain('sign_in');
});

test('once delivered, the review button leads to the chat', async () => {
  await shows({...TOLD, state: 'delivered', review: true, review_url: 'https://app.example.test/c/REVIEW'});
  const button = all('s-button').find((b) => b.textContent === 'review');
  expect(button.getAttribute('href')).toBe('https://app.example.test/c/REVIEW');
});

test('before that there is none', async () => {
  await shows(TOLD);
  expect(all('s-button').map((b) => b.textContent)).not.toContain('review');
});

test('a state that is new to us, a link that is not https: buttons and nothing broken', async () => {
  await shows({...TOLD, state: 'teleported', tracking_url: 'javascript:alert(1)'});
  expect(all('s-badge')).toHaveLength(0);
  expect(all('s-link')).toHaveLength(0);
});

test('it asks with the token and the ids only', async () => {
  await shows(null);
  const [url, options] = extension.fetch.mock.calls[0];
  expect(url).toMatch(/\/api\/extension\/order-status$/);
  expect(options.headers.Authorization).toBe('Bearer mock-session-token');
  expect(Object.keys(JSON.parse(options.body)).sort()).toEqual(['checkout_token', 'country', 'language', 'order_id']);
});

test('while it waits it shows a skeleton', async () => {
  extension.fetch = vi.fn(() => new Promise(() => {}));
  await extension.render();
  expect(all('s-skeleton-paragraph')).toHaveLength(1);
});

test('our server away: it says so, and another try works', async () => {
  extension.fetch = answers({error: 'x'}, 503);
  await extension.render();
  await waitFor(() => expect(all('s-paragraph').map((p) => p.textContent)).toEqual(['away']));
  extension.fetch = answers({...ANSWER, order: TOLD});
  all('s-button')[0].click();
  await waitFor(() => expect(all('s-badge')).toHaveLength(1));
});

test('the tick names the page where it was set', async () => {
  extension.fetch = answers({...ANSWER, consent: {kind: 'email', question: 'Yes', version: '1', language: 'en', granted: true}});
  await extension.render();
  await waitFor(() => expect(all('s-checkbox')).toHaveLength(1));
  extension.fetch = answers({granted: false});
  all('s-checkbox')[0].dispatchEvent(new Event('change', {bubbles: true}));
  await waitFor(() => expect(all('s-text').map((t) => t.textContent)).toContain('consent_undone'));
  expect(JSON.parse(extension.fetch.mock.calls[0][1].body)).toMatchObject({granted: false, surface: 'order_status_page'});
});

const LOCALES = import.meta.glob('../locales/*.json', {eager: true});
const STATES = ['not_shipped', 'label', 'confirmed', 'in_transit', 'delayed', 'out_for_delivery', 'attempted', 'ready_for_pickup', 'delivered', 'failed', 'cancelled'];
test.each(Object.keys(LOCALES))('in the words of %s nothing is left untranslated, whatever the state', async (file) => {
  speak(extension, LOCALES[file].default);
  extension.shopify.authenticationState.value = 'pre_authenticated';
  for (const state of STATES) {
    await shows({...TOLD, state, text: '', sign_in: true, review: true, review_url: 'https://app.example.test/c/REVIEW'});
    expect(all('s-badge').map((badge) => badge.textContent)).toEqual([LOCALES[file].default[`state_${state}`]]);
    expect(document.body.textContent).not.toMatch(/\{\{|undefined/);
    render(null, document.body);
  }
});

test('when our server is away the buttons that Shopify keeps still work, in the order of the country', async () => {
  keep(extension, CONFIG);
  extension.shopify.localization.country.value = {isoCode: 'PL'};
  extension.fetch = broken();
  await extension.render();
  await waitFor(() => expect(all('s-button[href]').map((b) => b.getAttribute('href'))).toEqual([
    'https://m.me/fern', 'https://wa.me/155507838?text=Hi%20%26%20hello',
  ]));
  expect(all('s-badge')).toHaveLength(0);
});

test('an order that is not there yet is asked for by its checkout token', async () => {
  extension.shopify.order.value = undefined;
  await shows(null);
  expect(JSON.parse(extension.fetch.mock.calls[0][1].body)).toMatchObject({order_id: '', checkout_token: '3f2c1a9be7d84d2f9d3f8b7a6c5e4d3c'});
});

test('protected data that is missing changes nothing but the phone question', async () => {
  await shows(TOLD);
  expect(JSON.parse(extension.fetch.mock.calls[0][1].body)).not.toHaveProperty('has_phone');
  expect(all('s-badge')).toHaveLength(1);
});
