const $ = (id) => document.getElementById(id);
let mails = [];
let chosen = null;

async function act(body) {
  const answer = await fetch('/api/act/mail', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});
  $('notice').textContent = answer.ok ? '' : (await answer.json()).error;
  return answer.ok;
}

function show(mail) {
  chosen = mail;
  $('subject').textContent = mail.subject || '(no subject)';
  $('about').textContent = `From ${mail.from} to ${mail.to.join(', ')}, ${new Date(mail.at * 1000).toLocaleString()}`;
  $('body').srcdoc = mail.html || `<pre style="white-space:pre-wrap;font:inherit"></pre>`;
  if (!mail.html) $('body').srcdoc = `<pre style="white-space:pre-wrap;font:15px system-ui">${mail.text.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</pre>`;
  $('reply').hidden = false;
  draw();
}

function draw() {
  $('list').replaceChildren(...(mails.length ? mails : [null]).map((mail) => {
    const line = document.createElement('li');
    if (!mail) { line.textContent = 'No mail yet.'; return line; }
    const button = document.createElement('button');
    button.textContent = `${mail.subject || '(no subject)'} · ${mail.to.join(', ')}`;
    button.setAttribute('aria-current', chosen?.id === mail.id);
    button.onclick = () => show(mail);
    line.append(button);
    return line;
  }));
}

async function load() {
  const found = (await (await fetch('/api/mail')).json()).mails;
  if (found.length !== mails.length) { mails = found; draw(); }
}
$('reply').addEventListener('submit', async (event) => { event.preventDefault(); const form = new FormData(event.target); if (await act({reply_to: chosen.id, text: form.get('text'), photo: form.has('photo')})) event.target.reset(); });
$('new').addEventListener('submit', async (event) => { event.preventDefault(); if (await act(Object.fromEntries(new FormData(event.target)))) event.target.reset(); });
load();
setInterval(load, 1500);
