import {getExtension} from '@shopify/ui-extensions-tester';
import {waitFor} from '@testing-library/preact';
import {render} from 'preact';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';

import {ANSWER, all, answers, speak} from '../../shared/testing.js';

const extension = getExtension('purchase.thank-you.announcement.render');
beforeEach(() => {
  extension.setUp();
  extension.shopify.orderConfirmation.value = {
    order: {id: 'gid://shopify/OrderIdentity/5123'},
    number: 'XPAV284CT',
    isFirstOrder: true,
  };
  extension.shopify.checkoutToken.value = '3f2c1a9be7d84d2f9d3f8b7a6c5e4d3c';
  extension.shopify.settings.value = {app_url: '', heading: ''};
});
afterEach(() => {
  render(null, document.body); // the tester's own copy of Preact does not know our tree
  extension.tearDown();
});

test('one line with the best links', async () => {
  extension.fetch = answers(ANSWER);
  await extension.render();
  await waitFor(() => expect(all('s-announcement')).toHaveLength(1));
  expect(all('s-link').map((link) => link.getAttribute('href'))).toEqual(ANSWER.channels.map((c) => c.url));
  expect(all('s-text').map((t) => t.textContent)).toEqual(['heading']);
});

test.each([
  ['while it waits', () => vi.fn(() => new Promise(() => {}))],
  ['where there is no channel', () => answers({...ANSWER, channels: []})],
  ['where our server is away and Shopify keeps nothing', () => answers({error: 'x'}, 500)],
])('%s there is no line', async (_name, fetcher) => {
  extension.fetch = fetcher();
  await extension.render();
  await waitFor(() => expect(extension.fetch).toHaveBeenCalled());
  await new Promise((done) => setTimeout(done, 20));
  expect(all('s-announcement')).toHaveLength(0);
});

test('our server away: the links that Shopify keeps', async () => {
  extension.shopify.appMetafields.value = [
    {target: {type: 'shop', id: '1'}, metafield: {key: 'checkout', value: JSON.stringify({version: 1, kinds: ['messenger'], channels: [{kind: 'messenger', label: 'Messenger', url: 'https://m.me/fern'}]})}},
  ];
  extension.fetch = answers({error: 'x'}, 500);
  await extension.render();
  await waitFor(() => expect(all('s-link').map((l) => l.getAttribute('href'))).toEqual(['https://m.me/fern']));
});

test('an order that is not there yet is asked for by its checkout token', async () => {
  extension.shopify.orderConfirmation.value = undefined;
  extension.fetch = answers(ANSWER);
  await extension.render();
  await waitFor(() => expect(all('s-announcement')).toHaveLength(1));
  expect(JSON.parse(extension.fetch.mock.calls[0][1].body)).toMatchObject({checkout_token: '3f2c1a9be7d84d2f9d3f8b7a6c5e4d3c'});
});

const LOCALES = import.meta.glob('../locales/*.json', {eager: true});
test.each(Object.keys(LOCALES))('in the words of %s nothing is left untranslated', async (file) => {
  speak(extension, LOCALES[file].default);
  extension.fetch = answers(ANSWER);
  await extension.render();
  await waitFor(() => expect(all('s-announcement')).toHaveLength(1));
  expect(document.body.textContent).not.toMatch(/\{\{|undefined/);
});
