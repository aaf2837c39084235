/* Meta's Embedded Signup. Its window tells two things in either order: the number (by a message) and a code (to the
   callback). Both go to our server at once: the code is good for half a minute. No cookie is set by us. */
(() => {
  const known = (event, own) => {
    if (own) return event.origin === own; // the demo's stand-in
    try {
      const { protocol, hostname } = new URL(event.origin);
      return protocol === "https:" && (hostname === "facebook.com" || hostname.endsWith(".facebook.com"));
    } catch { return false; }
  };
  let talk = null; // the sign-up that is going on

  addEventListener("message", (event) => {
    if (!talk || !known(event, talk.origin)) return;
    let told;
    try { told = typeof event.data === "string" ? JSON.parse(event.data) : event.data; } catch { return; }
    if (told?.type !== "WA_EMBEDDED_SIGNUP") return;
    if (told.data?.phone_number_id && told.data?.waba_id) {
      talk.phone_number_id = String(told.data.phone_number_id);
      talk.waba_id = String(told.data.waba_id);
      finish();
    } else if (told.data?.error_message) {
      stop(`Meta says: ${told.data.error_message}`);
    } else if (String(told.event).startsWith("FINISH")) {
      stop("The account has no number yet. Add one in Meta's window, or connect it by hand.");
    }
  });

  function stop(words) {
    talk?.button.removeAttribute("loading");
    talk = null;
    if (words) window.doorstep.say(words, true);
  }

  async function finish() {
    if (!talk?.code || !talk.waba_id || talk.sent) return;
    talk.sent = true;
    const { button, address } = talk;
    const form = new FormData();
    for (const name of ["code", "phone_number_id", "waba_id"]) form.set(name, talk[name]);
    try {
      const reply = await window.doorstep.ask(address, { method: "POST", body: form, headers: { Accept: "application/json" } });
      const answer = await reply.json();
      if (!reply.ok) return void stop(answer.message || "That did not work. Start once again.");
      window.doorstep.say(answer.toast);
      talk = null;
      await window.doorstep.go(answer.go);
    } catch (error) {
      stop(error.message || "The connection failed. Start once again.");
    } finally {
      button.removeAttribute("loading");
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-whatsapp-signup]");
    if (!button) return;
    if (!window.FB) return void window.doorstep.say("Meta's script did not load. A blocker may hold it back: connect the number by hand.", true);
    const { app, config, version, origin, whatsappSignup } = button.dataset;
    talk = { button, origin, address: whatsappSignup };
    button.setAttribute("loading", "");
    window.FB.init({ appId: app, version, cookie: false, xfbml: false, autoLogAppEvents: false });
    window.FB.login((answer) => {
      if (!talk) return;
      if (!answer?.authResponse?.code) return void stop("Nothing was connected: Meta's window was closed before the end.");
      talk.code = answer.authResponse.code;
      finish();
    }, {
      config_id: config,
      response_type: "code",
      override_default_response_type: true,
      extras: { version: "v4", setup: {}, sessionInfoVersion: "3" },
    });
  });
})();
