// The shopper's side: draws what the world says every second, and acts through /api/act/<what>.
const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const apps = [...document.querySelectorAll('[data-app]')].map((each) => each.dataset.app);
let app = apps.includes(query.get('app')) ? query.get('app') : 'whatsapp';
let order = localStorage.getItem('order') || '';
let drawn = '';
let frames = '';
const MEDIA = {audio: '▶ Voice message', video: '▶ Video', document: 'Document'};

async function act(what, body = {}) {
  const answer = await fetch(`/api/act/${what}`, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({order, app, ...body})});
  const found = await answer.json();
  $('notice').textContent = answer.ok ? '' : found.error || 'That did not work.';
  await draw();
  return found;
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made[key] = value;
  return made;
}

function fill(id, items, empty) {
  $(id).replaceChildren(...(items.length ? items : [element('li', empty)]));
}

function drawCards(entry) {
  const cards = entry.cards.map((card) => {
    const box = element('div', undefined, {className: 'card'});
    box.append(element('img', undefined, {src: card.image, alt: ''}), element('span', card.text));
    if (card.link) box.append(element('a', card.link.title, {href: card.link.url, target: '_blank', rel: 'noopener', className: 'button'}));
    for (const button of card.buttons) box.append(element('button', button.title, {onclick: () => act('tap', {message: entry.id, button: button.id})}));
    return box;
  });
  const all = element('div', undefined, {className: 'cards'});
  all.append(...cards);
  return all;
}

function drawChat(world) {
  const entries = world[app] || [];
  $('phone').className = `phone ${app}`;
  $('me').textContent = world.person?.name ?? '';
  const lines = entries.map((entry) => {
    const mine = entry.from === 'shopper';
    const line = element('li', entry.text || (entry.media ? MEDIA[entry.kind] || '📷 Photo' : ''), {className: mine ? 'mine' : ''});
    if (entry.document) line.append(element('a', entry.document.name, {href: entry.document.url, target: '_blank', rel: 'noopener', className: 'button'}));
    if (entry.image) line.prepend(element('img', undefined, {src: entry.image, alt: ''}));
    for (const button of entry.buttons) line.append(element('button', button.title, {onclick: () => act('tap', {message: entry.id, button: button.id})}));
    if (entry.cards) line.append(drawCards(entry));
    if (entry.asks_phone) line.append(element('button', 'Share phone number', {onclick: () => act('share_phone', {message: entry.id})}));
    if (entry.link) line.append(element('a', entry.link.title, {href: entry.link.url, target: '_blank', rel: 'noopener', className: 'button'}));
    line.append(element('small', new Date(entry.at * 1000).toLocaleString([], {dateStyle: 'short', timeStyle: 'short', timeZone: world.zone}) + (entry.template ? ' · template' : '')));
    return line;
  });
  if (!lines.length) lines.push(element('li', 'Nothing here yet. Tap a chat button on the thank-you page, in the e-mail, or on the card.', {className: 'empty'}));
  $('chat').replaceChildren(...lines);
  $('chat').scrollTop = $('chat').scrollHeight;
}

// The app prints the card; an order that is on its way to the app has none for a moment.
async function drawCard(again = false, tries = 8) {
  const wanted = order;
  $('card').removeAttribute('href');
  $('card').replaceChildren(element('span', 'Printing the card …'));
  const answer = await fetch(`/api/card/${wanted}${again ? '?again' : ''}`);
  const found = await answer.json();
  if (wanted !== order) return;
  if (answer.ok) {
    $('card').replaceChildren(...found.sides.map((side, place) => element('img', undefined, {src: side, alt: place ? 'Back of the card in the parcel' : 'Card in the parcel: open its link'})));
    if (found.url) $('card').href = `/scan/${wanted}`;
    return;
  }
  $('card').replaceChildren(element('span', found.error));
  if (answer.status === 409 && tries) setTimeout(() => wanted === order && drawCard(again, tries - 1), 2000);
}

async function draw() {
  const world = await (await fetch(`/api/world?order=${order}`)).json();
  $('now').textContent = new Date(world.now).toLocaleString([], {weekday: 'short', day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit', timeZone: world.zone});
  $('zone').textContent = `in ${world.zone.split('/').pop().replace('_', ' ')}`;
  $('mails').textContent = `(${world.mails})`;
  $('admin').href = `/admin/${world.shop}`;
  $('adminorders').href = `/admin/${world.shop}/orders`;
  $('templates').href = `/admin/${world.shop}/notifications`;
  if (!world.order) { $('notice').textContent = 'No orders yet: place one.'; return; }
  order = String(world.order.id);
  const still = JSON.stringify({...world, now: ''}) + app;
  if (still === drawn) return;
  drawn = still;
  if (document.activeElement !== $('orders')) $('orders').replaceChildren(...world.orders.map((each) => element('option', `${each.name} · ${each.person} · ${each.country} ${each.language} · ${each.state}`, {value: each.id, selected: String(each.id) === order})));
  if (!$('products').options.length) world.products.forEach((each, place) => $('products').append(element('option', each.title, {value: place})));
  if (frames !== order) {
    frames = order;
    $('thanks').src = `/thank-you/${order}`;
    $('status').src = `/order-status/${order}`;
    $('letter').src = `/letter/order_confirmation/${order}`;
    $('slip').href = `/admin/${world.shop}/orders/${order}/packing-slip`;
    drawCard();
    $('announced').href = `/announcement/${order}`;
    $('inadmin').href = `/admin/${world.shop}/orders/${order}`;
  }
  if (world.order.lines.length) $('store').href = `/store/products/${world.order.lines[0].product}`;
  drawChat(world);
  fill('parcels', world.order.parcels.map((each) => element('li', `${each.name}: ${each.status.replaceAll('_', ' ')}`)), 'Not shipped yet.');
  fill('discounts', world.discounts.map((each) => element('li', `${each.code}: ${Math.round(each.percentage * 100)} %, used ${each.used} of ${each.usageLimit ?? '∞'}`)), 'None yet.');
  fill('faults', world.faults.waiting.map((each) => element('li', `${each.place}: ${each.kind}, ${each.times} more`)), 'Nothing is set to go wrong.');
  fill('log', world.log.map((each) => element('li', `${each.sender} ${each.label}: ${each.status === 0 ? 'on its way' : each.status === -1 ? 'no answer' : each.status}${each.tries > 1 ? `, try ${each.tries}` : ''}`)), 'Nothing yet.');
  for (const box of document.querySelectorAll('[data-switch]')) box.checked = world.faults.switches[box.dataset.switch];
  for (const button of document.querySelectorAll('[data-scan]')) button.disabled = !world.order.parcels.length;
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  const {clock, act: what, scan, tab, app: chosen} = button.dataset;
  if (clock) act('clock', {hours: Number(clock)});
  if (what) act(what);
  if (scan) { const world = await (await fetch(`/api/world?order=${order}`)).json(); act('scan', {parcel: world.order.parcels.at(-1).id, status: scan}); }
  if (tab || chosen) for (const each of button.parentElement.children) each.setAttribute('aria-selected', each === button);
  if (tab) for (const id of ['thanks', 'status', 'letter']) $(id).hidden = id !== tab;
  if (chosen) { app = chosen; drawn = ''; draw(); }
});
document.addEventListener('change', (event) => {
  if (event.target.id === 'orders') { order = event.target.value; localStorage.setItem('order', order); drawn = ''; draw(); }
  if (event.target.dataset.switch) act('fault', {switch: event.target.dataset.switch, on: event.target.checked});
});
$('new').addEventListener('submit', async (event) => {
  event.preventDefault();
  const made = await act('order', Object.fromEntries(new FormData(event.target)));
  if (made.order) { order = String(made.order); localStorage.setItem('order', order); drawn = ''; draw(); }
});
$('fault').addEventListener('submit', (event) => { event.preventDefault(); const asked = Object.fromEntries(new FormData(event.target)); act('fault', {...asked, times: Number(asked.times)}); });
$('mend').addEventListener('click', () => act('fault', {clear: true}));
$('reprint').addEventListener('click', () => drawCard(true));
$('photo').addEventListener('click', () => act('photo'));
$('hide').addEventListener('click', () => act('hide_phone'));
$('voice').addEventListener('click', () => act('voice'));
$('write').addEventListener('submit', (event) => { event.preventDefault(); const text = $('text').value.trim(); if (text) { $('text').value = ''; act('write', {text}); } });
$('text').addEventListener('keydown', (event) => { if (event.key === 'Enter' && !event.shiftKey) { event.preventDefault(); $('write').requestSubmit(); } });

if (query.get('draft')) $('text').value = query.get('draft');
for (const each of document.querySelectorAll('[data-app]')) each.setAttribute('aria-selected', each.dataset.app === app);
draw().then(async () => {
  if (query.get('ref')) await act('open', {ref: query.get('ref')});
  if (query.has('app')) { history.replaceState(null, '', '/'); $('text').focus(); $('phone').scrollIntoView({block: 'center'}); }
  setInterval(draw, 1000);
});
