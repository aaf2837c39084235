"""A network's callback with 1,000 updates in one POST must be answered about as fast as one with a single update."""

import hashlib
import hmac
import json
from pathlib import Path

from bench.machinery import base_environment, granian, heading, load, manage, median_load, redis_server, row


def script(updates: int) -> str:
    statuses = [
        {"id": f"wamid.{number}", "status": "delivered", "timestamp": "1790000000", "recipient_id": "4915100000000"}
        for number in range(updates)
    ]
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "106540352242922"}, "statuses": statuses}
    changes = [{"field": "messages", "value": value}]
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]})
    signature = hmac.new(b"meta-secret", body.encode(), hashlib.sha256).hexdigest()
    return (
        f'wrk.method = "POST"\nwrk.body = {json.dumps(body)}\n'
        f'wrk.headers["Content-Type"] = "application/json"\nwrk.headers["X-Hub-Signature-256"] = "sha256={signature}"\n'
    )


def main(folder: Path, postgres_url: str | None) -> None:
    heading("Meta callback (wrk, 1 connection; the same body each time, so after the first it is a repeat)")
    database_url = postgres_url or f"sqlite:///{folder}/callbacks.sqlite3"
    with redis_server(folder) as redis_url:
        environment = base_environment(folder, database_url) | {"REDIS_URL": redis_url}
        manage(environment, "migrate", "-v0")
        with granian("shopapp.wsgi:application", environment) as (port, _):
            url = f"http://127.0.0.1:{port}/webhooks/whatsapp"
            one = median_load(lambda: load(url, script=script(1), connections=1))
            many = median_load(lambda: load(url, script=script(1000), connections=1))
    row("1 update", f"p50 {one.p50:.2f} ms" + (f", {one.bad} bad" if one.bad else ""))
    row(
        "1,000 updates",
        f"p50 {many.p50:.2f} ms" + (f", {many.bad} bad" if many.bad else ""),
        f"{one.p50:.2f} ms",
        many.p50 / one.p50,
        "≤ 10",
    )
