import {getExtension} from '@shopify/ui-extensions-tester';
import {waitFor} from '@testing-library/preact';
import {render} from 'preact';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';

const extension = getExtension('purchase.thank-you.chat.render');
const chat = () => document.body.querySelector('s-chat');
let told = [];

HTMLElement.prototype.onready = null; // Shopify's element has it (Chat.d.ts); the tester's has not, and Preact looks for it

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  extension.setUp();
  extension.shopify.orderConfirmation.value = {order: {id: 'gid://shopify/OrderIdentity/5123'}, number: 'X', isFirstOrder: true};
  extension.shopify.checkoutToken.value = '3f2c1a9be7d84d2f9d3f8b7a6c5e4d3c';
});
afterEach(() => {
  render(null, document.body);
  extension.tearDown();
  vi.useRealTimers();
});

async function ready() {
  await extension.render();
  Object.defineProperty(chat(), 'contentWindow', {value: {postMessage: (message) => told.push(message)}, configurable: true});
  chat().dispatchEvent(new Event('ready'));
}

test('it is one frame with a name, as large as a small chat may be', async () => {
  await extension.render();
  expect(document.body.children).toHaveLength(1);
  expect(chat().getAttribute('accessibilityLabel') ?? chat().accessibilityLabel).toBe('label');
  expect(parseInt(chat().getAttribute('inlineSize') ?? chat().inlineSize)).toBeLessThanOrEqual(224);
  expect(parseInt(chat().getAttribute('blockSize') ?? chat().blockSize)).toBeLessThanOrEqual(72);
});

test('until the page is ready it is told nothing', async () => {
  await extension.render();
  vi.runAllTimers();
  expect(told).toEqual([]);
});

test('the page is told the checkout token and the language, and nothing personal', async () => {
  await ready();
  vi.advanceTimersByTime(0);
  expect(told).toHaveLength(1);
  expect(Object.keys(told[0].doorstep).sort()).toEqual(['checkout_token', 'country', 'language', 'order_id']);
  expect(told[0].doorstep.checkout_token).toBe('3f2c1a9be7d84d2f9d3f8b7a6c5e4d3c');
  expect(told[0].doorstep.order_id).toBe('gid://shopify/OrderIdentity/5123');
});

test('it is said again a few times and then no more', async () => {
  await ready();
  vi.runAllTimers();
  expect(told).toHaveLength(4);
});

test('an order that is not there yet is told by its checkout token', async () => {
  extension.shopify.orderConfirmation.value = undefined;
  await ready();
  vi.advanceTimersByTime(0);
  expect(told[0].doorstep.order_id).toBe('');
});

test('it asks nobody by itself', async () => {
  extension.fetch = vi.fn();
  await ready();
  vi.runAllTimers();
  expect(extension.fetch).not.toHaveBeenCalled();
});
