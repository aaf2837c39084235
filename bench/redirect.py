"""GET /c/<code>: look the code up, choose the channel, 302, and spool the scan; beside an empty view.

Twice: one code that many scan (a card), and so many codes that each is looked up in the database.
"""

import subprocess
import sys
from pathlib import Path

from bench.machinery import ROOT, base_environment, granian, heading, load, manage, median_load, redis_server, row

SEED = """
import django; django.setup()
from post_purchase.services.links import shop_link, touchpoint_of
from post_purchase.words import TouchpointKind
from tests import factories
from post_purchase.models import Link
from shopapp.lib.crypto import hash_code, new_code
shop = factories.make_shop()
factories.make_channel(shop)
card = touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)
codes = [new_code() for _ in range(100_000)]
links = [Link(shop=shop, touchpoint=card, code_hash=hash_code(code)) for code in codes]
Link.objects.bulk_create(links, batch_size=2000)
open("FILE", "w").write("\\n".join(codes))
print(shop_link(touchpoint=card)[1])
"""
MANY = """
local codes = {}
for line in io.lines("FILE") do codes[#codes + 1] = line end
local threads = 0
function setup(thread) thread:set("offset", threads * 50000); threads = threads + 1 end
local sent = 0
request = function()
  sent = sent + 1
  return wrk.format("GET", "/c/" .. codes[(offset + sent) % #codes + 1])
end
"""


def measure(folder: Path, database_url: str, name: str, target: float | None) -> None:
    codes = folder / f"codes-{name}"
    with redis_server(folder) as redis_url:
        environment = base_environment(folder, database_url) | {"REDIS_URL": redis_url}
        manage(environment, "migrate", "-v0")
        made = subprocess.run(
            [sys.executable, "-c", SEED.replace("FILE", str(codes))],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        code = made.stdout.split()[-1]
        with granian("bench.reference_wsgi:application", environment) as (port, _):
            empty = median_load(lambda: load(f"http://127.0.0.1:{port}/empty"))
        with granian("shopapp.wsgi:application", environment) as (port, _):
            one = median_load(lambda: load(f"http://127.0.0.1:{port}/c/{code}"))
            many = median_load(lambda: load(f"http://127.0.0.1:{port}/", script=MANY.replace("FILE", str(codes))))
    row(f"empty Django GET view ({name})", f"{empty.per_second:.0f}/s, p99 {empty.p99:.1f} ms", "", 1.0)
    for what, taps in (("one code", one), ("100,000 codes", many)):
        row(
            f"redirect with its scan, {name}, {what}",
            f"{taps.per_second:.0f}/s, p50 {taps.p50:.1f}, p99 {taps.p99:.1f} ms"
            + (f", {taps.bad} bad" if taps.bad else ""),
            f"{empty.per_second:.0f}/s",
            taps.per_second / empty.per_second,
            f"≥ {target}" if target else "",
        )


def main(folder: Path, postgres_url: str | None) -> None:
    heading("Link redirect (wrk, 32 connections)")
    if postgres_url:
        measure(folder, postgres_url, "PostgreSQL", 0.35)
    measure(folder, f"sqlite:///{folder}/redirect.sqlite3", "SQLite", None)
