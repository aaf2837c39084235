// The inbox: lists what the world has received, shows one mail, and answers it through /api/act/mail.
import {darken} from '/site/dark.js';

const $ = (id) => document.getElementById(id);
let mails = null;
let chosen = null;

async function act(body) {
  const answer = await fetch('/api/act/mail', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});
  $('notice').textContent = answer.ok ? '' : (await answer.json()).error;
  return answer.ok;
}

const when = (mail) => new Date(mail.at * 1000).toLocaleString([], {dateStyle: 'medium', timeStyle: 'short', timeZone: mail.zone});

function show(mail) {
  chosen = mail;
  $('subject').textContent = mail.subject || '(no subject)';
  $('about').textContent = `From ${mail.from} to ${mail.to.join(', ')}, ${when(mail)}`;
  const plain = mail.text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  $('body').srcdoc = mail.html || `<pre style="white-space:pre-wrap;font:15px system-ui">${plain}</pre>`;
  $('reply').hidden = mail.by === 'Shopify';
  $('shopifys').hidden = mail.by !== 'Shopify';
  $('new').elements.from.value = mail.to[0];
  draw();
}

function draw() {
  $('list').replaceChildren(...(mails.length ? mails : [null]).map((mail) => {
    const line = document.createElement('li');
    if (!mail) { line.textContent = 'No mail yet. Place an order on the shopper\u2019s side: its confirmation comes here.'; return line; }
    const button = document.createElement('button');
    const subject = document.createElement('b');
    const about = document.createElement('span');
    subject.textContent = mail.subject || '(no subject)';
    about.textContent = `${mail.by || 'The app'} to ${mail.to.join(', ')}, ${when(mail)}`;
    button.append(subject, about);
    button.setAttribute('aria-current', chosen?.id === mail.id);
    button.onclick = () => show(mail);
    line.append(button);
    return line;
  }));
}

async function load() {
  let found;
  try { found = (await (await fetch('/api/mail')).json()).mails; } catch { $('notice').textContent = 'The demo does not answer. Is bin/demo still running?'; return; }
  if (mails && found.length === mails.length && found[0]?.id === mails[0]?.id) return;
  mails = found;
  if (!chosen && mails.length) show(mails[0]); else draw();
}
$('reply').addEventListener('submit', async (event) => { event.preventDefault(); const form = new FormData(event.target); if (await act({reply_to: chosen.id, text: form.get('text'), photo: form.has('photo')})) event.target.reset(); });
$('new').addEventListener('submit', async (event) => { event.preventDefault(); if (await act(Object.fromEntries(new FormData(event.target)))) event.target.reset(); });
$('body').addEventListener('load', () => darken($('body').contentDocument, $('dark').checked));
$('dark').addEventListener('change', () => darken($('body').contentDocument, $('dark').checked));
load();
setInterval(load, 1500);
