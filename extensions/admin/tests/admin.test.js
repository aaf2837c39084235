import {readFileSync, readdirSync} from 'node:fs';

import {getExtension} from '@shopify/ui-extensions-tester';
import {waitFor} from '@testing-library/preact';
import {render} from 'preact';
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';

const ORDER = 'admin.order-details.block.render';
const CUSTOMER = 'admin.customer-details.block.render';
const PRINT = 'admin.order-details.print-action.render';
const PRINT_MANY = 'admin.order-index.selection-print-action.render';
const CONVERSATION = {
  path: 'conversations/12',
  channel: 'WhatsApp',
  last_text: 'Where is it?',
  last_at: '2026-11-24T12:00:00+00:00',
  unread: 2,
  state: 'person',
};
const REVIEW = {rating: 2, text: 'Came with a crack.', product: 'Mug', photos: 1, rewarded: true, hidden: false};
const ANSWERS = {
  [ORDER]: {
    found: true,
    conversation: CONVERSATION,
    flows: [{name: 'Photo review', state: 'active', detail: 'the delivery'}],
    reviews: [REVIEW],
  },
  [CUSTOMER]: {
    found: true,
    conversation: CONVERSATION,
    orders: 3,
    consents: [{channel: 'WhatsApp', offers: 'granted', news: 'withdrawn'}],
    reviews: [REVIEW],
  },
};
const IDS = {[ORDER]: 'gid://shopify/Order/1', [CUSTOMER]: 'gid://shopify/Customer/1', [PRINT]: 'gid://shopify/Order/1'};

const all = (selector) => [...document.body.querySelectorAll(selector)];
const texts = () => document.body.textContent;
const answers = (body, status = 200) => vi.fn(async () => new Response(JSON.stringify(body), {status}));

let extension;
function start(target, fetch, ids = [IDS[target]]) {
  extension = getExtension(target);
  extension.setUp();
  extension.shopify.data = {selected: ids.map((id) => ({id}))};
  extension.shopify.auth = {idToken: async () => 'staff-token'};
  extension.fetch = fetch;
  return extension.render();
}
afterEach(() => {
  render(null, document.body); // the tester's own copy of Preact does not know our tree
  extension?.tearDown();
});

describe.each([ORDER, CUSTOMER])('%s', (target) => {
  const path = target === ORDER ? '/api/admin/order' : '/api/admin/customer';

  test('it asks once, with the token in the header and the id in the body', async () => {
    await start(target, answers(ANSWERS[target]));
    await waitFor(() => expect(all('s-link').length).toBeGreaterThan(0));
    expect(extension.fetch.mock.calls).toHaveLength(1);
    const [url, options] = extension.fetch.mock.calls[0];
    expect(url).toBe(path);
    expect(options.method).toBe('POST');
    expect(options.headers.Authorization).toBe('Bearer staff-token');
    expect(JSON.parse(options.body)).toEqual({id: IDS[target]});
  });

  test('it shows the chat with its state, and the way to it', async () => {
    await start(target, answers(ANSWERS[target]));
    await waitFor(() => expect(texts()).toContain('Where is it?'));
    expect(all('s-link').map((link) => link.getAttribute('href'))).toEqual(['app:conversations/12', 'app:reviews']);
    expect(all('s-badge').map((badge) => badge.textContent)).toContain('state_person');
    expect(all('s-admin-block')[0].getAttribute('collapsedSummary') ?? all('s-admin-block')[0].collapsedSummary).toBe('state_person');
  });

  test('it shows the review with its stars, and that it was rewarded', async () => {
    await start(target, answers(ANSWERS[target]));
    await waitFor(() => expect(texts()).toContain('Came with a crack.'));
    expect(texts()).toContain('rewarded');
    expect(texts()).toContain('Mug');
  });

  test('while it waits it says so', async () => {
    await start(target, vi.fn(() => new Promise(() => {})));
    expect(all('s-spinner')).toHaveLength(1);
    expect(all('s-link')).toHaveLength(0);
  });

  test.each([
    ['answers 500', () => answers({error: 'x'}, 500)],
    ['wants another token', () => answers({error: 'A valid ID token is needed'}, 401)],
    ['cannot be reached', () => vi.fn(async () => Promise.reject(new TypeError('Failed to fetch')))],
    ['answers something that is not JSON', () => vi.fn(async () => new Response('<html>', {status: 200}))],
    ['answers nothing', () => answers(null)],
  ])('when our server %s it says so, and another try works', async (_name, broken) => {
    await start(target, broken());
    await waitFor(() => expect(all('s-banner').map((banner) => banner.textContent)).toEqual(['away']));
    expect(all('s-spinner')).toHaveLength(0);
    extension.fetch = answers(ANSWERS[target]);
    all('s-button')[0].click();
    await waitFor(() => expect(texts()).toContain('Where is it?'));
  });

  test('what we do not know yet is said in plain words', async () => {
    await start(target, answers({found: false}));
    await waitFor(() => expect(all('s-paragraph')).toHaveLength(1));
    expect(texts()).toBe(target === ORDER ? 'no_order' : 'no_customer');
  });

  test('without a chat and a review it says how they begin', async () => {
    await start(target, answers({found: true, conversation: null, flows: [], reviews: [], consents: [], orders: 0}));
    await waitFor(() => expect(texts()).toContain('no_reviews'));
    expect(texts()).toContain(target === ORDER ? 'no_conversation' : 'no_customer');
    expect(all('s-link')).toHaveLength(0);
  });

  test('an odd answer breaks nothing and leads nowhere else', async () => {
    const odd = {...CONVERSATION, path: '//evil.example/x', state: 'odd', last_text: '<img src=x onerror=alert(1)>'};
    await start(target, answers({found: true, conversation: odd, flows: 'x', reviews: null, consents: {}}));
    await waitFor(() => expect(all('s-link')).toHaveLength(1));
    expect(all('s-link')[0].getAttribute('href')).toBe('app:');
    expect(all('img')).toHaveLength(0);
    expect(texts()).toContain('state_open');
  });
});

test('the order block shows where each flow is', async () => {
  const flows = [
    {name: 'Order updates', state: 'ended', detail: 'delivered'},
    {name: 'Photo review', state: 'parked', detail: 'step ask is missing'},
  ];
  await start(ORDER, answers({...ANSWERS[ORDER], flows}));
  await waitFor(() => expect(texts()).toContain('Order updates'));
  expect(texts()).toContain('flow_ended');
  expect(texts()).toContain('flow_parked');
  expect(texts()).toContain('step ask is missing');
});

describe('a flow is started from the order', () => {
  const startable = [
    {key: 'hello', name: 'Hello'},
    {key: 'csat', name: 'How was it?'},
  ];
  const begin = async (...replies) => {
    await start(ORDER, answers({...ANSWERS[ORDER], startable}));
    await waitFor(() => expect(all('s-select')).toHaveLength(1));
    const calls = vi.fn();
    for (const [body, status] of replies) calls.mockImplementationOnce(async () => new Response(JSON.stringify(body), {status}));
    extension.fetch = calls;
    all('s-button').at(-1).click();
    return calls;
  };
  const asked = (calls, at) => JSON.parse(calls.mock.calls[at][1].body);

  test('and the block then shows it', async () => {
    const after = {...ANSWERS[ORDER], startable, flows: [{name: 'Hello', state: 'active', detail: ''}]};
    const calls = await begin([{started: true}, 200], [after, 200]);
    await waitFor(() => expect(calls.mock.calls.map(([path]) => path)).toEqual(['/api/admin/start', '/api/admin/order']));
    expect(asked(calls, 0)).toEqual({id: IDS[ORDER], flow: 'hello', key: expect.stringMatching(/^[a-z0-9-]{8,40}$/)});
    await waitFor(() => expect(all('s-badge').map((badge) => badge.textContent)).toContain('flow_active'));
  });

  test('a refusal is said in our words, and trying again is the same click', async () => {
    const calls = await begin([{error: 'refused', message: 'It has run for this already.'}, 422], [{}, 503]);
    await waitFor(() => expect(texts()).toContain('It has run for this already.'));
    await waitFor(() => expect(all('s-button').at(-1).disabled).toBeFalsy());
    all('s-button').at(-1).click();
    await waitFor(() => expect(texts()).toContain('start_failed'));
    expect(asked(calls, 1)).toEqual(asked(calls, 0));
  });

  test('nothing is offered where no flow can be started', async () => {
    await start(ORDER, answers(ANSWERS[ORDER]));
    await waitFor(() => expect(texts()).toContain('Where is it?'));
    expect(all('s-select')).toHaveLength(0);
  });
});

test('the customer block shows what the customer allowed', async () => {
  await start(CUSTOMER, answers(ANSWERS[CUSTOMER]));
  await waitFor(() => expect(texts()).toContain('news_stopped'));
  expect(texts()).toContain('offers_allowed');
});

describe.each([PRINT, PRINT_MANY])('%s', (target) => {
  const ids = target === PRINT ? ['gid://shopify/Order/1'] : ['gid://shopify/Order/1', 'gid://shopify/Order/2'];
  const source = '/api/admin/cards/eyJvIjoxfQ:1abc-_Z';
  const action = () => all('s-admin-print-action')[0];
  const src = () => action().getAttribute('src') ?? action().src;

  test('the document is printed once our server has it', async () => {
    await start(target, answers({src: source, count: ids.length}), ids);
    await waitFor(() => expect(src()).toBe(source));
    expect(JSON.parse(extension.fetch.mock.calls[0][1].body)).toEqual({ids});
    expect(extension.fetch.mock.calls[0][0]).toBe('/api/admin/print');
    expect(texts()).toBe('print_text');
  });

  test('orders that are left out are told', async () => {
    await start(target, answers({src: source, count: ids.length - 1}), ids);
    await waitFor(() => expect(texts()).toContain('print_missing'));
  });

  test.each([
    ['unknown', 'print_unknown'],
    ['too_many', 'print_too_many'],
    ['something new', 'print_unknown'],
  ])('a refusal (%s) is said in words and nothing can be printed', async (error, words) => {
    await start(target, answers({error}, 422), ids);
    await waitFor(() => expect(texts()).toBe(words));
    expect(src() ?? '').toBe('');
  });

  test('a card that could not be read is refused in the words of our server', async () => {
    await start(target, answers({error: 'refused', message: 'The code is too small to be read.'}, 422), ids);
    await waitFor(() => expect(texts()).toBe('The code is too small to be read.'));
    expect(src() ?? '').toBe('');
  });

  test('while it waits, and when our server is away, nothing can be printed', async () => {
    await start(target, answers({error: 'x'}, 503), ids);
    expect(src() ?? '').toBe('');
    await waitFor(() => expect(texts()).toContain('away'));
    extension.fetch = answers({src: source, count: ids.length});
    all('s-button')[0].click();
    await waitFor(() => expect(src()).toBe(source));
  });

  test('an address that is not ours is not printed', async () => {
    await start(target, answers({src: 'https://evil.example/x', count: 1}), ids);
    await waitFor(() => expect(texts()).toContain('away'));
    expect(src() ?? '').toBe('');
  });
});

const read = (file) => JSON.parse(readFileSync(`locales/${file}`, 'utf-8'));

describe.each(readdirSync('locales'))('%s', (file) => {
  const words = read(file);

  test('has every word and every place for a number', () => {
    const english = read('en.default.json');
    expect(Object.keys(words)).toEqual(Object.keys(english));
    const places = (text) => [...text.matchAll(/{{(\w+)}}/g)].map(([, name]) => name).sort();
    for (const [key, text] of Object.entries(english)) expect([key, ...places(words[key])]).toEqual([key, ...places(text)]);
  });

  test('the order block can be drawn in it', async () => {
    const translate = vi.fn((key, values = {}) => {
      if (!(key in words)) throw new Error(`no word for ${key}`);
      return words[key].replace(/{{(\w+)}}/g, (_, name) => values[name]);
    });
    extension = getExtension(ORDER);
    extension.setUp();
    extension.shopify.data = {selected: [{id: IDS[ORDER]}]};
    extension.shopify.i18n.translate = translate;
    extension.fetch = answers(ANSWERS[ORDER]);
    await extension.render();
    await waitFor(() => expect(texts()).toContain(words.rewarded));
    expect(texts()).not.toContain('{{');
    expect(texts()).toContain(words.unread.replace('{{number}}', '2'));
  });
});

test('every word that the source asks for exists', () => {
  const english = read('en.default.json');
  const source = readdirSync('src')
    .map((file) => readFileSync(`src/${file}`, 'utf-8'))
    .join('\n');
  const asked = [...source.matchAll(/t\('(\w+)'/g)].map(([, key]) => key);
  expect(asked.length).toBeGreaterThan(20);
  for (const key of asked) expect(english).toHaveProperty(key);
  for (const state of ['open', 'person', 'closed']) expect(english).toHaveProperty(`state_${state}`);
  for (const state of ['active', 'ended', 'parked']) expect(english).toHaveProperty(`flow_${state}`);
});
