/* The flow editor: saves what is typed, draws the path anew, and lets the keyboard do what the mouse can. */
(() => {
  const page = () => document.getElementById("flow");
  const form = () => page()?.querySelector("form[data-autosave]");
  const saved = (text, failed = false) => {
    const place = document.getElementById("saved");
    if (place) { place.textContent = text; place.classList.toggle("failed", failed); }
  };
  let timer = 0, dirty = null, saving = null, known = "";
  const written = (at) => { const body = new FormData(at); body.delete("seen"); return at.getAttribute("action") + new URLSearchParams(body); };

  function later(event) {
    const at = event.target.closest?.("form[data-autosave]");
    if (!at || (!dirty && written(at) === known)) return; // leaving a field tells again what typing has told
    dirty = at;
    saved("Not saved yet");
    clearTimeout(timer);
    timer = setTimeout(save, event.type === "change" ? 150 : 700);
  }
  for (const kind of ["input", "change"]) document.addEventListener(kind, later);
  document.addEventListener("submit", (event) => { if (event.target.matches("form[data-autosave]")) { event.preventDefault(); dirty = event.target; save(); } });
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

  /* One at a time: the answer to a save names what the next one builds on. True: nothing is left unsaved. */
  async function save(force = false) {
    clearTimeout(timer);
    while (saving) await saving;
    const at = dirty;
    if (!at || !at.isConnected) { dirty = null; return true; }
    dirty = null;
    saved("Saving…");
    saving = send(at, force === true);
    const done = await saving;
    saving = null;
    return done && (!dirty || save());
  }

  async function send(at, force) {
    const body = new FormData(at), sent = written(at);
    if (force) body.set("force", "1");
    try {
      const reply = await doorstep.ask(at.getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" } });
      const answer = await reply.json();
      if (answer.conflict) { dirty = at; conflict(answer.conflict); return false; }
      if (!reply.ok) throw new Error(answer.message || "It could not be saved.");
      document.getElementById("conflict").hidden = true;
      at.querySelector("[name=seen]").value = answer.seen;
      known = sent;
      draw("flow-path", answer.path);
      draw("flow-bar", answer.bar);
      draw("flow-troubles", answer.troubles);
      for (const [id, words] of Object.entries(answer.drawn || {})) draw(id, words);
      fill(at, answer.fields);
      wrong(at, answer.errors);
      if (answer.redraw && !dirty) setTimeout(() => dirty || doorstep.go(location.href, { push: false, keepPlace: true, refocus: doorstep.held() }));
      return true;
    } catch (error) {
      dirty ||= at;
      saved(`Not saved: ${error.message} What you typed is still here.`, true);
      clearTimeout(timer);
      timer = setTimeout(save, 5000);
      return false;
    }
  }
  function draw(id, html) {
    const place = document.getElementById(id);
    if (!place || html === undefined) return;
    const refocus = place.contains(document.activeElement) ? doorstep.held() : null;
    place.innerHTML = html;
    refocus?.();
  }

  /* What was put in as a value comes back as its number; typing that has gone on is left alone. */
  function fill(at, fields = {}) {
    for (const [name, text] of Object.entries(dirty ? {} : fields)) {
      const place = doorstep.field(at, name), inner = place?.shadowRoot?.querySelector("textarea");
      if (!place || place.value === text || !place.value.includes("{{")) continue;
      const end = inner && inner.value.length - inner.selectionEnd;
      place.value = text;
      inner?.setSelectionRange(text.length - end, text.length - end);
      known = written(at);
    }
  }

  function wrong(at, errors = {}) {
    for (const old of at.querySelectorAll("[error]")) if (!errors[old.getAttribute("name")]) old.removeAttribute("error");
    for (const [name, text] of Object.entries(errors)) doorstep.field(at, name)?.setAttribute("error", text);
    if (Object.keys(errors).length) saved("Saved, but for the marked fields", true);
  }

  function conflict(words) {
    const box = document.getElementById("conflict");
    box.querySelector("[data-words]").textContent = words;
    box.hidden = false;
    saved("Not saved: it was changed meanwhile", true);
    box.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("mousedown", (event) => {
    if (event.target.closest?.("[data-theirs], [data-mine]")) event.preventDefault(); // leaving the field would move the button away
  });
  document.addEventListener("click", (event) => {
    const theirs = event.target.closest?.("[data-theirs]"), mine = event.target.closest?.("[data-mine]");
    if (theirs) { dirty = null; doorstep.go(location.href, { push: false, keepPlace: true, focus: "panel" }); }
    if (mine) { dirty ||= form(); save(true); }
    const show = event.target.closest?.("[data-show]");
    if (show) { event.preventDefault(); const step = document.getElementById(`at-${show.dataset.show}`); step?.scrollIntoView({ block: "center" }); step?.focus(); }
  });

  /* The phone shows what is typed before it is saved. */
  let looking = 0;
  function look(soon = 350) {
    clearTimeout(looking);
    looking = setTimeout(async () => {
      const place = document.getElementById("look"), at = form();
      if (!place || !at) return;
      const body = new FormData(at);
      for (const one of page().querySelectorAll("[data-look]")) body.set(one.getAttribute("name"), one.value);
      try {
        const reply = await doorstep.ask(place.dataset.lookAt, { method: "POST", body });
        if (reply.ok) place.innerHTML = await reply.text();
      } catch { /* the next key tries again; the last picture stays */ }
    }, soon);
  }
  for (const kind of ["input", "change"]) document.addEventListener(kind, (event) => { if (event.target.closest?.("[data-look], form[data-autosave]")) look(); });
  document.addEventListener("doorstep:page", () => look(0));
  addEventListener("DOMContentLoaded", () => setTimeout(() => look(0)));

  /* Each condition chooses among the same facts: the list comes once, the page carries it to every row. */
  function facts() {
    const all = document.getElementById("facts")?.content;
    for (const one of all ? page().querySelectorAll("s-select[data-facts]") : []) {
      const full = one.cloneNode(true), chosen = one.querySelector("[selected]")?.getAttribute("value"), rest = all.cloneNode(true);
      if (chosen) rest.querySelector(`[value="${CSS.escape(chosen)}"]`)?.remove();
      full.append(rest);
      full.removeAttribute("data-facts");
      one.replaceWith(full); // a component reads its options when it enters the page
    }
  }
  document.addEventListener("doorstep:page", facts);
  addEventListener("DOMContentLoaded", facts);

  /* A value is put where the cursor was. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-put]");
    if (!button) return;
    const into = doorstep.field(form(), button.dataset.into), inner = into.shadowRoot?.querySelector("textarea");
    const at = inner ? inner.selectionStart : into.value.length, end = inner ? inner.selectionEnd : at;
    into.value = into.value.slice(0, at) + button.dataset.put + into.value.slice(end);
    into.focus();
    inner?.setSelectionRange(at + button.dataset.put.length, at + button.dataset.put.length);
    into.dispatchEvent(new Event("input", { bubbles: true }));
  });

  addEventListener("DOMContentLoaded", () => doorstep.beforeLeaving.add(() => (dirty ? save() : saving || true)));

  const typing = () => { let at = document.activeElement; while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement; return Boolean(at?.matches?.("input, textarea, select")); };
  async function change(fields) {
    const body = new FormData(), steps = [...page().querySelectorAll(".step[data-step]")];
    const above = steps[steps.findIndex((one) => one.dataset.step === fields.step) - 1]?.id;
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    if (dirty && !(await save())) return;
    try {
      const reply = await doorstep.ask(`${page().dataset.flow}/change`, { method: "POST", body, headers: { Accept: "application/json" } });
      const answer = await reply.json();
      if (!reply.ok) return void doorstep.say(answer.message || "That did not work. Nothing was changed; try again.", true);
      doorstep.say(answer.toast);
      const on = fields.do === "delete" ? above : `at-${new URL(answer.go || location.href, location.href).searchParams.get("step") || ""}`;
      await doorstep.go(answer.go || location.href, { push: Boolean(answer.go), keepPlace: true, focus: on });
    } catch (error) { doorstep.say(error.message, true); }
  }

  document.addEventListener("keydown", (event) => {
    if (!page() || event.defaultPrevented || typing()) return;
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (undo) {
      event.preventDefault();
      const button = page().querySelector(`form[data-key="${event.shiftKey ? "redo" : "undo"}"]`);
      if (button && !button.querySelector("[disabled]")) button.requestSubmit();
      return;
    }
    const step = document.activeElement?.closest?.(".step[data-step]");
    if (!step || event.ctrlKey || event.metaKey) return;
    const id = step.dataset.step, own = !id.startsWith("@"), language = new URL(location.href).searchParams.get("language") || "";
    const all = [...page().querySelectorAll(".step[data-step]")];
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && event.altKey) { if (own) { event.preventDefault(); change({ do: by > 0 ? "down" : "up", step: id, language }); } return; }
    if (event.altKey) return;
    const beside = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" }[event.key];
    for (let way = beside && step.closest(".way"); way; way = way.parentElement.closest(".way")) {
      let other = way[beside];
      while (other && !other.querySelector(".step")) other = other[beside];
      if (!other) continue;
      event.preventDefault();
      return void other.querySelector(".step").focus();
    }
    if (by) { event.preventDefault(); all[all.indexOf(step) + by]?.focus(); }
    else if (own && event.key === "Delete") { event.preventDefault(); change({ do: "delete", step: id, language }); }
    else if (own && event.key.toLowerCase() === "c") { event.preventDefault(); change({ do: "copy", step: id, language }); }
    else if (event.key.toLowerCase() === "a") {
      let next = step.nextElementSibling;
      while (next && !next.matches(".add")) next = next.nextElementSibling;
      if (next) { event.preventDefault(); next.click(); }
    }
  });

  /* The mouse may also drag a step onto a plus. */
  document.addEventListener("dragstart", (event) => {
    const step = event.target.closest?.(".step[data-step]");
    if (step && !step.dataset.step.startsWith("@")) event.dataTransfer.setData("text/doorstep-step", step.dataset.step);
  });
  const target = (event) => (event.dataTransfer?.types.includes("text/doorstep-step") ? event.target.closest?.(".add[data-edge]") : null);
  document.addEventListener("dragover", (event) => { const place = target(event); if (place) { event.preventDefault(); place.classList.add("over"); } });
  document.addEventListener("dragleave", (event) => target(event)?.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    const place = target(event);
    if (!place) return;
    event.preventDefault();
    change({ do: "move", step: event.dataTransfer.getData("text/doorstep-step"), edge: place.dataset.edge });
  });
})();
