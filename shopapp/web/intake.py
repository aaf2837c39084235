"""The one INSERT behind every webhook URL. It can be called in front of Django's handler."""

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections
from django.db.utils import InterfaceError

from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import IncomingWebhook

log = logging.getLogger("shopapp.intake")
# SQLite has one writer. Shopify waits 5 seconds (shopify.dev, "Deliver webhooks through HTTPS"), Meta not much longer.
BUSY_MILLISECONDS = 2000
COLUMNS = [
    "source",
    "account",
    "topic",
    "event_id",
    "webhook_id",
    "triggered_at",
    "headers",
    "body",
    "received_at",
    "next_attempt_at",
    "attempts",
    "error",
]


class IntakeClosed(Exception):
    """The database is away or busy. Answer 503: whoever called comes again."""


def save_incoming(
    *,
    source: str,
    account: str,
    topic: str,
    event_id: str,
    body: bytes,
    webhook_id: str = "",
    triggered_at: datetime | None = None,
    headers: dict[str, str] | None = None,
) -> bool:
    """Store the news and wake the job that reads it. False: it was here before. Raises IntakeClosed.

    The caller has verified the signature and cut `account` (255), `topic` (100) and the ids (128) to size.
    """
    now = clock.now()
    row = (
        source,
        account,
        topic,
        event_id,
        webhook_id,
        triggered_at,
        json.dumps(headers) if headers else "{}",
        body,
        now,
        now,
        0,
        "",
    )
    kept = connection.connection is not None  # a kept connection may be dead: one more try on a new one
    try:
        inserted = _insert(row)
    except (DatabaseError, InterfaceError, psycopg.Error) as error:
        if _is_busy(error):
            log.warning("intake.database_busy")
            raise IntakeClosed("The database is busy") from None
        if not connection.in_atomic_block:
            connection.close()
        if not kept or connection.in_atomic_block:
            raise _closed() from None
        try:
            inserted = _insert(row)
        except (DatabaseError, InterfaceError, psycopg.Error):
            connection.close()
            raise _closed() from None
    if inserted:
        wake(Job.PROCESS_WEBHOOKS)
    return inserted


def _closed() -> IntakeClosed:
    log.exception("intake.database_away")
    return IntakeClosed("The database is away")


def _insert(row: tuple[Any, ...]) -> bool:
    database = connections[DEFAULT_DB_ALIAS]  # `connection` looks it up anew at each use
    if database.vendor == "postgresql":
        if database.connection is None:
            database.ensure_connection()
        # psycopg's own cursor: parameters bound by the server, the statement prepared once per connection.
        with psycopg.Cursor(database.connection) as cursor:
            cursor.execute(_statement(body="%b", headers="%s::jsonb"), row, prepare=True)
            return cursor.rowcount == 1
    values = [database.ops.adapt_datetimefield_value(v) if isinstance(v, datetime) else v for v in row]
    with _short_wait(), database.cursor() as cursor:
        cursor.execute(_statement(), values)
        return bool(cursor.rowcount == 1)


@lru_cache(maxsize=2)
def _statement(**places: str) -> str:
    """The names are our own constants; the values travel as parameters."""
    values = ", ".join(places.get(name, "%s") for name in COLUMNS)
    into = f"INSERT INTO {IncomingWebhook._meta.db_table} ({', '.join(COLUMNS)})"
    return f"{into} VALUES ({values}) ON CONFLICT DO NOTHING"


@contextmanager
def _short_wait() -> Iterator[None]:
    """On SQLite this thread's connection waits for another writer no longer than BUSY_MILLISECONDS."""
    connection.ensure_connection()
    sqlite = connection.connection
    usual = sqlite.execute("PRAGMA busy_timeout").fetchone()[0]
    sqlite.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    try:
        yield
    finally:
        sqlite.execute(f"PRAGMA busy_timeout = {usual}")


def _is_busy(error: Exception) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code is not None and code & 0xFF == sqlite3.SQLITE_BUSY


def moment_or_none(text: str) -> datetime | None:
    """An RFC 3339 time, aware; None where it is missing or odd."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
