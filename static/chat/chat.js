/* The web chat. What is written is kept in this browser until our server has it, under a key that makes it once. No cookie:
   the token in local storage says who this is, and is sent in a header. News come by a stream, else by asking now and then. */
(() => {
  "use strict";
  const { memory, fresh, newKey, blobOf, smaller, el, linked } = window.doorstepChat; // parts.js
  const $ = (id) => document.getElementById(id);
  const facts = JSON.parse($("facts").textContent);
  let texts = facts.texts;
  const kept = memory(() => facts.room);
  const draw = new Intl.DateTimeFormat(facts.language, { hour: "2-digit", minute: "2-digit" });
  const drawDay = new Intl.DateTimeFormat(facts.language, { weekday: "long", day: "numeric", month: "long" });
  let token = "";
  let queue = []; // {key, text, button, photo, at, wrong}
  let version = "";
  let shown = []; // what the server told
  let sending = false;
  let started = false;
  let timer = 0;
  let live = false;
  let lastUse = Date.now();
  let failures = 0;
  const pictures = new Map(); // key -> address of the photo in this page

  async function ask(path, body, headers = {}) {
    const stop = new AbortController();
    const limit = setTimeout(() => stop.abort(), path === "photos" ? 120000 : 20000);
    try {
      return await fetch(`/api/chat/${facts.room}/${path}`, {
        method: "POST",
        credentials: "omit",
        headers: { Authorization: `Bearer ${token}`, ...(body instanceof Blob ? {} : { "Content-Type": "application/json" }), ...headers },
        body: body instanceof Blob ? body : JSON.stringify(body),
        signal: stop.signal,
      });
    } finally {
      clearTimeout(limit);
    }
  }

  const say = (text) => { if ($("state").textContent !== text) $("state").textContent = text; };

  /* ---- starting ---- */

  function begin() {
    token = kept.get("token") || "";
    try { queue = JSON.parse(kept.get("queue") || "[]"); } catch { queue = []; }
    started = Boolean(token);
    if (facts.expired && !started) {
      $("hello").textContent = texts.expired;
      $("start").hidden = true;
      $("form").hidden = true;
      return;
    }
    show();
    if (started) {
      if (facts.code && !facts.expired && kept.get("code") !== facts.code) enter();
      look();
      flush();
      listen();
    }
  }

  async function enter() {
    if (!token) { token = fresh(32); kept.set("token", token); }
    started = true;
    show();
    const reply = await ask("start", { code: facts.code, language: facts.language }).catch(() => null);
    if (!reply) { say(texts.offline); return false; }
    if (!reply.ok) {
      say(reply.status === 410 ? texts.expired : reply.status === 429 ? texts.busy : texts.closed);
      return false;
    }
    kept.set("code", facts.code);
    say("");
    look();
    if (!live) listen();
    return true;
  }

  const isIn = () => started && (kept.get("code") === facts.code || facts.expired || !facts.code);

  /* ---- sending ---- */

  function put(one) {
    queue.push({ key: newKey(), at: new Date().toISOString(), ...one });
    const safe = kept.set("queue", JSON.stringify(queue));
    lastUse = Date.now();
    render(true);
    flush();
    if (!safe) say(texts.keep_open);
  }

  async function flush() {
    if (sending) return;
    sending = true;
    let again = 0;
    try {
      while (!again) {
        const one = queue.find((each) => !each.wrong);
        if (!one) break;
        if (!isIn() && !(await enter())) { again = 1; break; }
        const body = one.photo ? blobOf(one.photo) : { key: one.key, text: one.text || "", button: one.button || "" };
        const reply = await ask(one.photo ? "photos" : "messages", body, one.photo ? { "X-Message-Key": one.key } : {}).catch(() => null);
        if (reply?.ok) {
          queue = queue.filter((each) => each.key !== one.key);
          sent.set(one.key, one);
          failures = 0;
          say("");
        } else if (reply?.status === 401) {
          startAnew();
          again = 1;
        } else if (reply && [400, 404, 413].includes(reply.status)) {
          one.wrong = true;
          say(texts.not_sent);
        } else {
          say(reply?.status === 429 ? texts.busy : texts.offline);
          again = 1;
        }
        kept.set("queue", JSON.stringify(queue));
        render();
      }
    } finally {
      sending = false;
    }
    if (again && queue.some((each) => !each.wrong)) {
      failures += 1;
      setTimeout(flush, Math.min(60000, 1500 * 2 ** Math.min(failures, 6)) * (0.7 + Math.random() * 0.6));
    } else {
      look();
    }
  }

  const sent = new Map(); // taken by the server, not yet in what it tells

  function startAnew() {
    for (const key of ["token", "code"]) kept.drop(key);
    token = ""; version = ""; shown = []; started = false;
    show();
    render();
  }

  /* ---- reading ---- */

  async function look() {
    clearTimeout(timer);
    if (started && token && (kept.get("code") || facts.expired)) {
      const read = document.visibilityState === "visible" && !document.documentElement.classList.contains("small");
      const reply = await ask("feed", { version, read: read ? "yes" : "no" }).catch(() => null);
      if (reply?.status === 200) {
        const told = await reply.json();
        const before = shown.length;
        version = told.version;
        shown = told.messages;
        for (const one of shown) { if (one.key) sent.delete(one.key); }
        if (shown.length > before) theyWrite(false);
        render(shown.length > before);
      } else if (reply?.status === 401) {
        startAnew();
      } else if (!reply) {
        say(texts.offline);
      }
      if (reply?.ok && $("state").textContent === texts.offline) { say(""); if (queue.length) flush(); }
    }
    clearTimeout(timer);
    if (document.visibilityState === "visible") timer = setTimeout(look, pause());
  }

  function pause() {
    const waits = sent.size || shown.some((one) => one.photos.some((photo) => photo.state === "waiting"));
    if (live) return waits ? 3000 : 60000;
    const idle = Date.now() - lastUse;
    return idle < 120000 ? 2500 : idle < 900000 ? 8000 : 30000;
  }

  /* One long answer that says "something is new". EventSource cannot send our token in a header, so it is read by hand. */
  async function listen() {
    if (!facts.stream || live || !token || !window.ReadableStream || document.visibilityState !== "visible") return;
    live = true;
    let wait = 2000;
    while (live && token && document.visibilityState === "visible") {
      const stop = new AbortController();
      hush = () => stop.abort();
      try {
        const reply = await fetch(facts.stream, { headers: { Authorization: `Bearer ${token}`, "X-Room": String(facts.room) }, credentials: "omit", signal: stop.signal });
        if (!reply.ok || !reply.body) throw new Error(String(reply.status));
        const reader = reply.body.getReader();
        const text = new TextDecoder();
        wait = 2000;
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          const heard = text.decode(value, { stream: true });
          if (heard.includes("data: news")) look();
          if (heard.includes("data: typing")) theyWrite();
        }
      } catch { /* by asking meanwhile */ }
      hush = () => {};
      live = false;
      look();
      await new Promise((done) => setTimeout(done, wait * (0.5 + Math.random())));
      wait = Math.min(60000, wait * 2);
      live = document.visibilityState === "visible";
    }
    live = false;
  }
  let hush = () => {};

  /* Who writes on the other side is seen for as long as it is likely to be true; a message ends it. */
  let quiet = 0, told = 0;
  function theyWrite(still = true) {
    clearTimeout(quiet);
    if (still && !$("state").textContent) say(texts.writing);
    if (!still && $("state").textContent === texts.writing) say("");
    if (still) quiet = setTimeout(theyWrite, 22000, false);
  }
  function weWrite() {
    if (!facts.stream || !isIn() || Date.now() - told < 6000 || !$("text").value.trim()) return;
    told = Date.now();
    ask("typing", {}).catch(() => {}); // the next key tells it again
  }

  /* ---- drawing ---- */

  function show() {
    $("begin").hidden = started;
    $("more").hidden = !started;
    if (!started) $("menu").hidden = true;
  }

  const drawn = new Map(); // id -> {node, state}: only what is new is added, so that a screen reader says it once

  function render(down = false) {
    const log = $("log");
    const mine = [...sent.values(), ...queue].filter((one) => !shown.some((each) => each.key === one.key));
    const list = [
      ...shown.map((one) => ({ ...one, id: one.key || `s${one.id}` })),
      ...mine.map((one) => ({ id: one.key, key: one.key, from: "me", text: one.text || "", at: one.at, buttons: [], photos: [], local: one, waits: queue.includes(one), wrong: one.wrong })),
    ];
    const main = document.querySelector("main");
    const near = main.scrollHeight - main.scrollTop - main.clientHeight < 160;
    const last = shown.length ? shown[shown.length - 1] : null;
    let day = "";
    let place = null;
    const wanted = new Set();
    for (const one of list) {
      const on = drawDay.format(new Date(one.at));
      if (on !== day) { day = on; place = putNode(log, `day ${on}`, on, () => el("p", "day", on), place, wanted); }
      const canTap = last && one.id === `s${last.id}` && !queue.length && !sent.size;
      const state = JSON.stringify([one.waits, one.wrong, canTap, one.photos.map((photo) => photo.state)]);
      place = putNode(log, one.id, state, () => bubble(one, canTap), place, wanted);
    }
    for (const [id, each] of drawn) { if (!wanted.has(id)) { each.node.remove(); drawn.delete(id); } }
    if (down || near) main.scrollTop = main.scrollHeight;
  }

  function putNode(log, id, state, make, after, wanted) {
    wanted.add(id);
    const old = drawn.get(id);
    let node = old?.node;
    if (!old || old.state !== state) {
      node = make();
      if (old) { old.node.replaceWith(node); } else if (drawn.size) node.classList.add("new");
      drawn.set(id, { node, state });
    }
    const next = after ? after.nextSibling : log.firstChild;
    if (next !== node) log.insertBefore(node, next);
    return node;
  }

  function bubble(one, canTap) {
    const node = el("div", `one ${one.from}${one.wrong ? " wrong" : ""}`);
    const who = one.from === "me" ? texts.you : one.from === "auto" ? `${facts.shop} (${texts.auto})` : facts.shop;
    node.append(el("span", "hidden", `${who}: `));
    const picture = one.picture || pictures.get(one.key) || "";
    for (const photo of one.photos.length ? one.photos : picture ? [{ state: "local" }] : []) {
      const source = photo.small || pictures.get(one.key) || one.picture;
      if (photo.state === "refused") node.append(el("div", "bubble", texts.no_photo));
      else if (source) {
        const image = el("img");
        image.src = source; image.alt = texts.a_photo; image.referrerPolicy = "no-referrer"; image.loading = "lazy";
        image.onload = () => { const main = document.querySelector("main"); if (main.scrollHeight - main.scrollTop - main.clientHeight < 400) main.scrollTop = main.scrollHeight; };
        node.append(image);
      } else node.append(el("div", "bubble", texts.a_photo));
    }
    if (one.text) { const text = el("div", "bubble"); text.dir = "auto"; linked(text, one.text); node.append(text); }
    if (one.link) {
      const link = el("a", "link", one.link.title);
      link.href = one.link.url; link.target = "_blank"; link.rel = "noopener noreferrer";
      const row = el("div", "choices"); row.append(link); node.append(row);
    }
    for (const file of one.files || []) {
      const link = el("a", "link", `📄 ${file.name}`);
      link.href = file.url; link.target = "_blank"; link.rel = "noopener"; link.download = file.name;
      const row = el("div", "choices"); row.append(link); node.append(row);
    }
    if (one.buttons.length && canTap) {
      const row = el("div", "choices");
      for (const each of one.buttons) {
        const button = el("button", "", each.title);
        button.type = "button";
        button.onclick = () => { put({ text: each.title, button: each.id }); $("text").focus(); };
        row.append(button);
      }
      node.append(row);
    }
    const time = draw.format(new Date(one.at));
    const state = one.wrong ? texts.not_sent : one.waits ? texts.waits : "";
    const under = el("p", "under", state ? `${time} · ${state}` : one.from === "auto" ? `${time} · ${texts.auto}` : time);
    node.append(under);
    if (one.wrong) {
      const again = el("button", "quiet", texts.again);
      again.type = "button";
      again.onclick = () => { one.local.wrong = false; flush(); };
      node.append(again);
    }
    return node;
  }

  /* ---- what people do ---- */

  $("start").onclick = async () => { await enter(); $("text").focus(); };
  $("form").onsubmit = (event) => {
    event.preventDefault();
    const text = $("text").value.trim();
    if (!text) return;
    $("text").value = "";
    kept.drop("draft");
    grow();
    put({ text });
  };
  $("text").onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && matchMedia("(pointer: fine)").matches) {
      event.preventDefault();
      $("form").requestSubmit();
    }
  };
  const grow = () => {
    const { style, value } = $("text");
    style.height = ""; // one line, also where it is not shown yet and has no height of its own
    if (value) style.height = `${Math.min($("text").scrollHeight + 2, 160)}px`;
  };
  $("text").oninput = () => { lastUse = Date.now(); kept.set("draft", $("text").value); grow(); weWrite(); };
  $("photo").onchange = async () => {
    const file = $("photo").files[0];
    $("photo").value = "";
    if (!file) return;
    if (!file.type.startsWith("image/") || file.size > 30e6) { say(texts.no_photo); return; }
    const photo = await smaller(file);
    if (!photo || photo.length > 10e6) { say(texts.no_photo); return; }
    put({ photo });
    pictures.set(queue[queue.length - 1].key, photo);
    render(true);
  };
  $("more").onclick = async () => {
    const open = $("menu").hidden;
    $("menu").hidden = !open;
    $("more").setAttribute("aria-expanded", String(open));
    if (!open) return;
    $("ways").replaceChildren();
    const reply = await ask("continue", {}).catch(() => null);
    const told = reply?.ok ? await reply.json() : { ways: [] };
    $("on-text").textContent = told.ways.length ? texts.go_on : reply ? texts.nowhere : texts.offline;
    for (const way of told.ways) {
      const link = el("a", "link", way.label);
      link.href = way.url; link.target = "_blank"; link.rel = "noopener";
      const item = el("li"); item.append(link); $("ways").append(item);
    }
  };
  $("menu").onkeydown = (event) => { if (event.key === "Escape") { $("more").click(); $("more").focus(); } };
  $("forget").onclick = () => {
    if (!confirm(texts.forget_sure)) return;
    kept.drop("queue"); kept.drop("draft");
    queue = []; sent.clear();
    hush(); live = false;
    startAnew();
    $("more").setAttribute("aria-expanded", "false");
    $("start").focus();
  };
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") { look(); listen(); } else { clearTimeout(timer); hush(); }
  });
  addEventListener("online", () => { failures = 0; flush(); look(); });
  addEventListener("offline", () => say(texts.offline));
  addEventListener("pageshow", (event) => { if (event.persisted) { look(); listen(); } });

  $("text").value = kept.get("draft") || "";
  grow();
  if (facts.checkout) {
    window.doorstepChat.inCheckout({ // checkout.js
      opened: () => { $("text").focus(); look(); },
      told: (told) => {
        Object.assign(facts, { room: told.room, code: told.code, shop: told.shop, language: told.language });
        texts = told.texts;
        begin();
      },
    });
  } else begin();
})();
