/* The admin pages' one script. App Bridge adds the ID token to every fetch to our own address; this file makes sure that
   what the merchant does goes through fetch: links, forms, downloads, live parts. Without it the pages still open. */
(() => {
  const root = () => document.getElementById("page");
  const say = (text, isError = false) => window.shopify?.toast?.show(text, { isError });
  const ready = () => Promise.resolve(window.shopify?.ready);
  let visit = 0;
  let typed = false; // something is typed under the save bar and not saved
  const beforeLeaving = new Set(); // what static/flow.js has not saved yet; false: it could not be, stay
  const drafts = new Map(); // answers not sent yet, by form: they are there again when the merchant comes back

  /* Internal links keep Shopify's `shop` and `host`: a reload then finds its way through the bounce page. */
  function withShop(address) {
    const url = new URL(address, location.href);
    for (const name of ["shop", "host", "locale"]) {
      const value = new URLSearchParams(location.search).get(name);
      if (value && !url.searchParams.has(name)) url.searchParams.set(name, value);
    }
    return url;
  }

  /* The address without what Shopify adds to it. */
  function plain(address) {
    const url = new URL(address, location.href);
    for (const name of ["shop", "host", "locale", "id_token"]) url.searchParams.delete(name);
    url.searchParams.sort();
    return url.pathname + url.search;
  }

  async function ask(address, options = {}) {
    await ready();
    const url = withShop(address);
    const reply = await fetch(url, { ...options, headers: { "X-Requested-With": "fetch", ...(options.headers || {}) } });
    if (reply.status === 401) throw new Error("Shopify did not confirm who you are. Reload the page and try again.");
    return reply;
  }

  /* Who works by keyboard stays at the same field or button when the page is drawn anew. */
  function held() {
    const at = document.activeElement;
    const looks = (one) => `${one.getAttribute("name") || one.textContent.trim()} ${one.closest("form")?.getAttribute("action")}`, mine = looks(at);
    const alike = () => [...root().querySelectorAll(at.localName)].filter((one) => looks(one) === mine), nth = alike().indexOf(at);
    return () => {
      const again = alike()[nth];
      if (!again) return;
      const folded = again.closest("details:not([open])");
      if (folded) folded.open = true;
      again.focus();
    };
  }

  async function go(address, options = {}) {
    const { push = true, keepPlace = false, focus = "", refocus = null } = options;
    for (const save of beforeLeaving) if (!(await save())) return;
    const mine = ++visit;
    const url = withShop(address);
    document.documentElement.setAttribute("data-loading", "");
    try {
      const reply = await ask(url);
      const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
      if (mine !== visit) return;
      const next = fresh.getElementById("page");
      if (!next) throw new Error("The page did not load. Try again in a moment.");
      if ([...beforeLeaving].some((save) => save() !== true)) return void go(address, options); // typed meanwhile: the fresh page lacks it
      if (push && plain(url) !== plain(location.href)) history.pushState({}, "", url);
      const again = refocus && document.activeElement !== document.body ? held() : refocus;
      document.title = fresh.title;
      typed = false;
      window.shopify?.saveBar?.hide?.();
      root().replaceWith(document.adoptNode(next));
      if (!keepPlace) {
        scrollTo(0, 0);
        root().focus({ preventScroll: true });
      }
      again?.();
      const wanted = focus && document.getElementById(focus);
      if (wanted) {
        wanted.focus({ preventScroll: true });
        const { top, bottom } = wanted.getBoundingClientRect();
        if (top < 0 || bottom - top > innerHeight || top > innerHeight - 120) wanted.scrollIntoView({ block: "start" });
      }
      markNav();
      setUp();
      document.dispatchEvent(new Event("doorstep:page"));
    } catch (error) {
      say(error.message || "The page did not load. Check your connection and try again.", true);
    } finally {
      document.documentElement.removeAttribute("data-loading");
    }
  }

  /* App Bridge asks, outside the iframe: browsers do not let a frame of another origin ask. Rejected or false: stay. */
  async function mayLeave() {
    if (!typed || !window.shopify?.saveBar?.leaveConfirmation) return true;
    try { return (await shopify.saveBar.leaveConfirmation()) !== false; } catch { return false; }
  }

  function markNav() {
    for (const link of document.querySelectorAll("s-app-nav s-link")) {
      const path = new URL(link.getAttribute("href"), location.href).pathname;
      const here = path === "/app" ? location.pathname === path : location.pathname.startsWith(path);
      here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
    }
  }

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.composedPath().find((node) => node.matches?.("a[href], s-link[href], s-button[href], s-clickable[href]"));
    const copy = event.composedPath().find((node) => node.matches?.("[data-copy]"));
    if (copy) return void copyText(copy);
    if (!link) return;
    const host = event.composedPath().find((node) => node.matches?.("[data-download], [target]")) || link;
    const url = new URL(link.getAttribute("href"), location.href);
    if (url.origin !== location.origin || host.getAttribute("target") === "_blank" || !url.pathname.startsWith("/app")) return;
    if (url.pathname === location.pathname && url.hash) return;
    event.preventDefault();
    if (host.hasAttribute("data-download")) return void download(url, host);
    const focus = event.composedPath().find((node) => node.dataset?.focus)?.dataset.focus || "";
    mayLeave().then((may) => may && go(url, { focus, keepPlace: Boolean(focus) }));
  });
  addEventListener("popstate", () => go(location.href, { push: false }));
  addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });

  async function download(url, link) {
    try {
      const reply = await ask(url);
      if (!reply.ok) {
        const told = await reply.json().catch(() => ({}));
        throw new Error(told.message || Object.values(told.errors || {}).join(" ") || "The file could not be made. Try again in a moment.");
      }
      const address = URL.createObjectURL(await reply.blob());
      const anchor = Object.assign(document.createElement("a"), { href: address, download: link.dataset.download || "download" });
      anchor.click();
      setTimeout(() => URL.revokeObjectURL(address), 10000);
    } catch (error) { say(error.message, true); }
  }

  async function copyText(button) {
    const source = document.getElementById(button.dataset.copy);
    const text = source.value ?? source.textContent;
    try { await navigator.clipboard.writeText(text); say("Copied"); } catch {
      getSelection().selectAllChildren(source);
      say("Press Ctrl+C or Cmd+C to copy what is marked.");
    }
  }

  const field = (form, name) => form.querySelector(`[name="${CSS.escape(name)}"]`);
  function showErrors(form, errors) {
    for (const old of form.querySelectorAll("[error]")) old.removeAttribute("error");
    let first = null;
    for (const [name, text] of Object.entries(errors || {})) {
      const place = field(form, name);
      if (place) { place.setAttribute("error", text); first ||= place; }
    }
    first?.focus();
    return first;
  }

  function filter(form, stay = {}) {
    const url = new URL(form.getAttribute("action"), location.href);
    for (const [name, value] of new FormData(form)) if (value) url.searchParams.append(name, value);
    mayLeave().then((may) => may && go(url, stay));
  }

  /* An arrow key changes a list at once: the page waits for the last of them. */
  let byKey = false, choosing;
  addEventListener("keydown", () => { byKey = true; }, true);
  addEventListener("pointerdown", () => { byKey = false; }, true);
  function choose(form) {
    clearTimeout(choosing);
    choosing = setTimeout(() => filter(form, { keepPlace: true, refocus: held() }), byKey ? 400 : 0);
  }

  /* What was typed stays where it is, whatever the answer: only a saved form is drawn anew. */
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.matches("[data-filter]")) {
      event.preventDefault();
      return void filter(form);
    }
    if (!form.matches("[data-ajax]")) return;
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "1";
    const refocus = held(); // a button that shows progress loses it
    for (const save of beforeLeaving) if (!(await save())) return void delete form.dataset.busy;
    const buttons = form.querySelectorAll('s-button[type="submit"]');
    buttons.forEach((button) => button.setAttribute("loading", ""));
    try {
      if (form.dataset.scopes) { // Shopify asks the merchant in a window of its own
        const answer = await window.shopify?.scopes?.request(form.dataset.scopes.split(","));
        if (answer?.result !== "granted-all") return void say("Nothing was changed. You can allow it at any time.");
      }
      const body = new FormData(form), { name, value } = event.submitter || {};
      if (name) body.set(name, value); // the button that was pressed
      const reply = await ask(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" } });
      const answer = reply.headers.get("Content-Type")?.includes("json") ? await reply.json() : null;
      if (!reply.ok || !answer) {
        const shown = showErrors(form, answer?.errors);
        say(answer?.message || (shown ? "Please look at the marked fields." : "That did not work. Nothing was changed; try again."), true);
        return;
      }
      showErrors(form, {});
      typed = false;
      drafts.delete(form.getAttribute("action"));
      if (answer.toast) say(answer.toast);
      if (answer.html) return void (document.getElementById(form.dataset.into).innerHTML = answer.html); // shown once, here
      const stays = !answer.go || plain(answer.go) === plain(location.href);
      await go(stays ? location.href : answer.go, { push: !stays, keepPlace: stays || Boolean(answer.focus), focus: stays ? "" : answer.focus, refocus: stays ? refocus : null });
    } catch (error) {
      say(error.message || "The connection failed. What you typed is still here; try again.", true);
    } finally {
      delete form.dataset.busy;
      buttons.forEach((button) => button.removeAttribute("loading"));
    }
  });

  for (const kind of ["input", "change"])
    document.addEventListener(kind, (event) => {
      const beside = event.target.dataset?.previewWith;
      if (beside) return void preview(document.getElementById(beside));
      const form = event.target.closest?.("form");
      if (!form) return;
      if (form.matches("[data-save-bar]")) typed = true;
      if (form.matches("[data-keep]") && !form.dataset.busy && event.target.tagName === "S-TEXT-AREA") drafts.set(form.getAttribute("action"), event.target.value);
      if (kind === "change" && form.matches("[data-filter]") && event.target.tagName !== "S-SEARCH-FIELD") choose(form);
      if (form.dataset.preview) soon(() => preview(form));
    });

  let waiting;
  function soon(work) { clearTimeout(waiting); waiting = setTimeout(work, 350); }

  async function preview(form) {
    const place = document.getElementById("preview");
    if (!place) return;
    try {
      const typedNow = new FormData(form);
      for (const other of document.querySelectorAll(`[data-preview-with="${form.id}"]`)) typedNow.set(other.getAttribute("name"), other.value);
      const reply = await ask(form.dataset.preview, { method: "POST", body: typedNow });
      if (!reply.ok) return;
      place.innerHTML = await reply.text();
      document.dispatchEvent(new Event("doorstep:preview"));
    } catch { /* the next key tries again; the last picture stays */ }
  }

  /* A live part asks again every few seconds while the page is looked at; what is typed lies outside it. */
  let clock;
  function setUp() {
    clearInterval(clock);
    for (const { dataset } of document.querySelectorAll("[data-script]")) // what only some pages need, once
      if (!document.head.querySelector(`script[src="${dataset.script}"]`)) document.head.append(Object.assign(document.createElement("script"), { src: dataset.script }));
    showPlaced();
    const live = document.querySelector("[data-live]");
    const bottom = document.querySelector("[data-bottom]");
    if (bottom) {
      const toBottom = () => { bottom.scrollTop = bottom.scrollHeight; };
      setTimeout(toBottom, 60); // after the components are drawn
      for (const photo of bottom.querySelectorAll("img")) photo.addEventListener("load", toBottom, { once: true }); // it grows
    }
    const form = document.querySelector("form[data-preview]");
    if (form) preview(form);
    const kept = document.querySelector("form[data-keep]");
    if (kept && drafts.has(kept.getAttribute("action"))) kept.querySelector("s-text-area").value = drafts.get(kept.getAttribute("action"));
    document.onnews = null;
    if (!live) return;
    let known = live.dataset.mark || "";
    let turn = 0;
    const look = async () => {
      if (document.hidden || !live.isConnected) return;
      const note = document.getElementById("live-trouble");
      try {
        const reply = await ask(live.dataset.live, { headers: { "If-None-Match": known } });
        if (note) note.hidden = true;
        if (reply.status !== 200) return;
        known = reply.headers.get("ETag") || "";
        const atBottom = live.scrollHeight - live.scrollTop - live.clientHeight < 80;
        const held = live.contains(document.activeElement) && document.activeElement.getAttribute("href");
        live.innerHTML = await reply.text();
        if (held) live.querySelector(`[href="${CSS.escape(held)}"]`)?.focus();
        if (atBottom) live.scrollTop = live.scrollHeight;
      } catch { if (note) note.hidden = false; }
    };
    /* While static/inbox.js hears news as they happen, asking is only the net below. */
    document.onnews = look;
    clock = setInterval(() => (document.heard && ++turn % 5 ? null : look()), Number(live.dataset.every || 5) * 1000);
  }

  /* Which of our blocks the merchant has placed: only Shopify knows. No answer: what the page came with stays. */
  async function showPlaced() {
    const rows = document.querySelectorAll("[data-block]");
    if (!rows.length || !window.shopify?.app?.extensions) return;
    try {
      await ready();
      // A checkout block is placed where it has an activation; a theme's blocks are all listed, each with its own status.
      const placed = new Set((await shopify.app.extensions()).flatMap((each) => (each.activations || []).map((one) => {
        if (each.type !== "theme_app_extension") return one.target;
        return one.status === "active" ? `theme:${one.handle}` : "";
      })));
      for (const row of rows) {
        const here = row.dataset.block.split(" ").some((block) => placed.has(block));
        const badge = row.querySelector("[data-standing]");
        badge.textContent = here ? "Placed" : "Not placed";
        here ? badge.setAttribute("tone", "success") : badge.removeAttribute("tone");
        const button = row.querySelector("[data-place]"), words = here ? "Open" : "Place it";
        if (button.textContent === words) continue;
        const fresh = button.cloneNode(); // a component may read its label only once
        fresh.textContent = words;
        fresh.setAttribute("accessibilitylabel", `${words}: ${button.dataset.place}`);
        button.replaceWith(fresh);
      }
    } catch { /* an old admin does not tell */ }
  }
  window.doorstep = { ask, go, say, field, held, beforeLeaving };

  addEventListener("DOMContentLoaded", () => {
    markNav();
    setUp();
    ask("/app/ping").catch(() => {}); // one authenticated fetch on every first page: Shopify's review looks for it
  });
})();
