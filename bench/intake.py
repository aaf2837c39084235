"""Webhook intake: verify HMAC, dedupe, one durable INSERT, answer 200; beside an empty view."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path

from bench.machinery import Load, base_environment, granian, heading, load, manage, median_load, redis_server, row

BODY = json.dumps(
    {"id": 1, "updated_at": "2026-11-24T10:00:00Z", "line_items": [{"title": "x" * 90} for _ in range(60)]}
)
SIGNATURE = base64.b64encode(hmac.new(b"client-secret", BODY.encode(), hashlib.sha256).digest()).decode()

EMPTY_POST = f'wrk.method = "POST"\nwrk.body = {json.dumps(BODY)}\nwrk.headers["Content-Type"] = "application/json"\n'
SHOPIFY_POST = (
    EMPTY_POST
    + f"""
wrk.headers["X-Shopify-Topic"] = "orders/updated"
wrk.headers["X-Shopify-Shop-Domain"] = "bench.myshopify.com"
wrk.headers["X-Shopify-Hmac-Sha256"] = "{SIGNATURE}"
wrk.headers["X-Shopify-Triggered-At"] = "2026-11-24T10:00:00Z"
wrk.headers["X-Shopify-Webhook-Id"] = "w"
local thread_number = 0
function setup(thread) thread:set("number", thread_number); thread_number = thread_number + 1 end
local sent = 0
request = function()
  sent = sent + 1
  wrk.headers["X-Shopify-Event-Id"] = "RUN-" .. number .. "-" .. sent
  return wrk.format(nil, nil)
end
"""
)


def measure(folder: Path, database_url: str, name: str, *, target: float, p99_target: float) -> None:
    with redis_server(folder) as redis_url:
        environment = base_environment(folder, database_url) | {"REDIS_URL": redis_url}
        manage(environment, "migrate", "-v0")
        workers = 1 if database_url.startswith("sqlite") else 2
        with granian("bench.reference_wsgi:application", environment) as (port, _):
            empty = median_load(lambda: load(f"http://127.0.0.1:{port}/empty", script=EMPTY_POST))
        row(f"empty Django POST view ({name})", _show(empty), "", 1.0)
        with granian("shopapp.wsgi:application", environment, workers=workers) as (port, _):
            intake = median_load(
                lambda: load(
                    f"http://127.0.0.1:{port}/webhooks/shopify",
                    script=SHOPIFY_POST.replace("RUN", str(time.monotonic_ns())),
                )
            )
            wanted = f"≥ {target}, p99 ≤ {p99_target:.0f} ms"
            row(
                f"intake, {name}",
                _show(intake),
                f"{empty.per_second:.0f}/s",
                intake.per_second / empty.per_second,
                wanted,
            )
            again = median_load(lambda: load(f"http://127.0.0.1:{port}/webhooks/shopify", script=SHOPIFY_POST))
            row(
                f"intake, {name}, all repeats",
                _show(again),
                f"{empty.per_second:.0f}/s",
                again.per_second / empty.per_second,
            )


def _show(one: Load) -> str:
    bad = f", {one.bad} bad" if one.bad else ""
    return f"{one.per_second:.0f}/s, p50 {one.p50:.1f}, p99 {one.p99:.1f} ms{bad}"


def main(folder: Path, postgres_url: str | None) -> None:
    heading("Intake (wrk, 32 connections, body 7 KB)")
    if postgres_url:
        measure(folder, postgres_url, "PostgreSQL", target=0.22, p99_target=25)
    measure(folder, f"sqlite:///{folder}/intake.sqlite3", "SQLite", target=0.12, p99_target=50)
