"""GET /c/<code>: look the code up, choose the channel, 302, and spool the scan; beside an empty view."""

import subprocess
import sys
from pathlib import Path

from bench.machinery import ROOT, base_environment, granian, heading, load, manage, median_load, redis_server, row

SEED = """
import django; django.setup()
from post_purchase.services.links import shop_link, touchpoint_of
from post_purchase.words import TouchpointKind
from tests import factories
shop = factories.make_shop()
factories.make_channel(shop)
print(shop_link(touchpoint=touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT))[1])
"""


def measure(folder: Path, database_url: str, name: str, target: float | None) -> None:
    with redis_server(folder) as redis_url:
        environment = base_environment(folder, database_url) | {"REDIS_URL": redis_url}
        manage(environment, "migrate", "-v0")
        made = subprocess.run(
            [sys.executable, "-c", SEED], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        )
        code = made.stdout.split()[-1]
        with granian("bench.reference_wsgi:application", environment) as (port, _):
            empty = median_load(lambda: load(f"http://127.0.0.1:{port}/empty"))
        with granian("shopapp.wsgi:application", environment) as (port, _):
            taps = median_load(lambda: load(f"http://127.0.0.1:{port}/c/{code}"))
        row(f"empty Django GET view ({name})", f"{empty.per_second:.0f}/s, p99 {empty.p99:.1f} ms", "", 1.0)
        row(
            f"redirect with its scan, {name}",
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
