"""The pretend window of Meta's Embedded Signup: a script like Facebook's, one button, a code that works once."""

import json
import secrets
from typing import Any

from demo.meta.graph import VERSIONS, Graph, Refused
from demo.server import Reply, Request

SDK = """window.FB = (() => {
  const base = new URL(document.currentScript.src).origin;
  let app = "";
  return {
    init: (options) => { app = options.appId; },
    login: (done, options) => {
      const asked = new URLSearchParams({ app, config: options.config_id, origin: location.origin });
      const page = window.open(`${base}/facebook/dialog?${asked}`, "facebook", "width=520,height=640");
      const heard = (event) => {
        if (event.origin !== base || typeof event.data !== "object" || !event.data.code) return;
        removeEventListener("message", heard);
        clearInterval(watch);
        done({ status: "unknown", authResponse: { code: event.data.code } });
      };
      const watch = setInterval(() => {
        if (!page?.closed) return;
        clearInterval(watch);
        setTimeout(() => {
          removeEventListener("message", heard);
          done({ status: "unknown", authResponse: null });
        }, 500);
      }, 300);
      addEventListener("message", heard);
    },
  };
})();
"""
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Connect WhatsApp</title><style>body{font:16px/1.5 system-ui;max-width:28rem;margin:3rem auto;padding:0 1rem}
button{font:inherit;padding:.7rem 1.2rem;background:#0866ff;color:#fff;border:0;border-radius:.5rem}</style>
<h1>Connect WhatsApp</h1><p>This window stands in for Meta's. It shares <strong>NAME</strong> with Doorstep.</p>
<button id="go">Confirm</button><script>
document.getElementById("go").onclick = async () => {
  const { code, data } = await (await fetch("/facebook/dialog", { method: "POST" })).json();
  const told = { type: "WA_EMBEDDED_SIGNUP", event: "FINISH", version: "3", data };
  const origin = new URLSearchParams(location.search).get("origin");
  opener.postMessage(JSON.stringify(told), origin);
  opener.postMessage({ code }, origin);
  close();
};</script></html>"""


class SignUp:
    def __init__(self, graph: Graph, *, app_id: str):
        self.graph, self.state, self.app_id = graph, graph.state, app_id
        route = graph.server.route
        route("GET", "/facebook/sdk.js", lambda request: Reply(SDK, type="text/javascript"))
        route("GET", "/facebook/dialog", self._page)
        route("POST", "/facebook/dialog", lambda request: Reply(self.confirm()))
        route("GET", "/graph/<version>/oauth/access_token", self._token)

    def _page(self, request: Request) -> Reply:
        return Reply(PAGE.replace("NAME", self._number()["name"].replace("&", "&amp;").replace("<", "&lt;")))

    def _number(self) -> dict[str, Any]:
        return dict(next(iter(self.state.part("whatsapp_numbers").values())))

    def confirm(self) -> dict[str, Any]:
        """What the window tells the page after its last button."""
        number, code = self._number(), f"AQ{secrets.token_urlsafe(40)}"
        with self.state.lock:
            self.state.part("signup_codes")[code] = number["token"]
            self.state.touch()
        return {"code": code, "data": {"phone_number_id": number["id"], "waba_id": number["waba"]}}

    def _token(self, request: Request, version: str) -> Reply:
        asked = request.query
        if version not in VERSIONS or asked.get("client_id") != self.app_id:
            return Refused(101, "Error validating application. Cannot get application info").reply()
        if asked.get("client_secret") != self.graph.app_secret:
            return Refused(1, "Error validating client secret.").reply()
        with self.state.lock:
            token = self.state.part("signup_codes").pop(asked.get("code", ""), "")
            self.state.touch()
        if not token:
            return Refused(100, "This authorization code has been used.", subcode=36009).reply()
        return Reply(json.dumps({"access_token": token, "token_type": "bearer"}), type="application/json")
