import {getExtension} from '@shopify/ui-extensions-tester';
import {waitFor} from '@testing-library/preact';
import {render} from 'preact';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';

const extension = getExtension('purchase.thank-you.block.render');
const ANSWER = {
  heading: 'How would you like to chat?',
  channels: [
    {kind: 'whatsapp', label: 'WhatsApp', url: 'https://app.example.test/c/AB3KQ9ZT7MXW2HHC?via=whatsapp'},
    {kind: 'email', label: 'E-mail', url: 'https://app.example.test/c/AB3KQ9ZT7MXW2HHC?via=email'},
  ],
  url: 'https://app.example.test/c/AB3KQ9ZT7MXW2HHC',
  qr_url: 'HTTPS://APP.EXAMPLE.TEST/C/AB3KQ9ZT7MXW2HHC',
  code: 'AB3K-Q9ZT-7MXW-2HHC',
};

const all = (selector) => [...document.body.querySelectorAll(selector)];
const answers = (body, status = 200) => vi.fn(async () => new Response(JSON.stringify(body), {status}));

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

test('one chats in an app and writes an e-mail', async () => {
  extension.fetch = answers(ANSWER);
  await extension.render();
  await waitFor(() => expect(all('s-button[href]')).toHaveLength(2));
  expect(all('s-button').map((button) => button.textContent.trim())).toEqual(['chat_on', 'write_email']);
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
