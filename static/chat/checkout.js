/* The chat page as an overlay in Shopify's checkout: small until it is opened, and told by the extension which order it is. */
window.doorstepChat.inCheckout = (() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const WIDE = [415, 700];
  const NARROW = [224, 72];

  function small(is) {
    document.documentElement.classList.toggle("small", is);
    $("open").hidden = !is;
    window.resizeTo(...(is ? NARROW : WIDE)); // app-bridge-checkout.js makes the overlay this large
    if (is) $("open").focus();
  }

  function inCheckout({ opened, told: heard }) {
    let asked = false;
    small(true);
    $("open").disabled = true;
    $("close").hidden = false;
    $("close").onclick = () => small(true);
    $("open").onclick = () => { small(false); opened(); };
    addEventListener("keydown", (event) => { if (event.key === "Escape") small(true); });
    addEventListener("message", async (event) => {
      const order = event.data?.doorstep;
      if (asked || !order || typeof order.checkout_token !== "string") return;
      asked = true;
      const idToken = await window.shopify?.idToken?.().catch(() => "");
      const reply = await fetch("/api/extension/chat", {
        method: "POST", credentials: "omit",
        headers: { Authorization: `Bearer ${idToken}`, "Content-Type": "application/json" },
        body: JSON.stringify({ checkout_token: order.checkout_token, order_id: String(order.order_id || ""), language: String(order.language || ""), country: String(order.country || "") }),
      }).catch(() => null);
      if (!reply?.ok) { asked = false; $("open").hidden = true; return; } // the next message tries again
      const told = await reply.json();
      document.documentElement.lang = told.language;
      document.documentElement.dir = told.language === "ar" ? "rtl" : "ltr";
      document.documentElement.style.setProperty("--brand", told.color);
      $("shop").textContent = told.shop;
      for (const [id, name] of [["open", "open"], ["hello", "hello"], ["start", "start"], ["send", "send"], ["close", "close"], ["more", "more"], ["forget", "forget"]]) $(id).textContent = told.texts[name];
      document.querySelector("#begin .small").textContent = told.texts.small;
      $("text").placeholder = told.texts.write;
      $("open").disabled = false;
      heard(told);
    });
  }

  return inCheckout;
})();
