"""Finding rows by the beginnings of their words: a GIN index on PostgreSQL, an FTS5 table kept by triggers on SQLite.

Neither is a thing that a Django migration can say for both, so `make` is called after every migrate and may run any
number of times. Rows that were there before are read in once. Names of tables and columns come from code, never from a
request; what is looked for is always a parameter.

Japanese and Chinese have no blanks between words. There each letter counts as a word, and what is typed is found where
its letters stand side by side: on PostgreSQL by the same index, on SQLite by reading the newest rows.
"""

import re
import sqlite3
import unicodedata
from dataclasses import dataclass

from django.db import connection, connections

MOST_WORDS = 6
UNSPACED = (
    "\u3005\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana, Han
)
_PIECES = re.compile(f"[{UNSPACED}]|[^{UNSPACED}]+")
_UNSPACED = re.compile(f"[{UNSPACED}]")
FEW = 3000
MOST_ROWS = 1000  # newest first; whoever finds more adds a word


@dataclass(frozen=True)
class WordIndex:
    """Words of some text columns of a table whose primary key is `id` and whose shop is `shop_id`."""

    table: str
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.table}_words"

    @property
    def vector(self) -> str:
        """PostgreSQL's expression; the index is used only where a query repeats it letter by letter."""
        text = " || ' ' || ".join(f"coalesce({column}, '')" for column in self.columns)
        apart = f"regexp_replace({text}, '([{UNSPACED}])', ' \\1 ', 'g')"
        return f"to_tsvector('simple', regexp_replace({apart}, '[^[:alnum:]{UNSPACED}]+', ' ', 'g'))"


def make(index: WordIndex, *, using: str = "default") -> None:
    """Make what is missing."""
    with connections[using].cursor() as cursor:
        if connections[using].vendor == "postgresql":
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {index.name} ON {index.table} USING gin (({index.vector}))")
            return
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = %s", [index.name])
        is_new = cursor.fetchone() is None
        for statement in _fts5(index):
            cursor.execute(statement)
        if is_new:
            cursor.execute(f"INSERT INTO {index.name}({index.name}) VALUES ('rebuild')")
            if sqlite3.sqlite_version_info >= (3, 42):
                cursor.execute(f"INSERT INTO {index.name}({index.name}, rank) VALUES ('secure-delete', 1)")


def _fts5(index: WordIndex) -> list[str]:
    """The table and its triggers. They go when Django makes the table anew, so they are made after every migrate."""
    columns = ", ".join(index.columns)
    old, new = (", ".join(f"{row}.{column}" for column in index.columns) for row in ("old", "new"))
    changed = " OR ".join(f"old.{column} IS NOT new.{column}" for column in index.columns)
    add = f"INSERT INTO {index.name}(rowid, {columns}) VALUES (new.id, {new});"
    take = f"INSERT INTO {index.name}({index.name}, rowid, {columns}) VALUES ('delete', old.id, {old});"
    start = "CREATE TRIGGER IF NOT EXISTS"
    return [
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {index.name} USING fts5({columns}, content='{index.table}', "
        "content_rowid='id', tokenize='unicode61 remove_diacritics 2')",
        f"{start} {index.name}_add AFTER INSERT ON {index.table} BEGIN {add} END",
        f"{start} {index.name}_take AFTER DELETE ON {index.table} BEGIN {take} END",
        f"{start} {index.name}_change AFTER UPDATE OF {columns} ON {index.table} WHEN {changed} BEGIN {take} {add} END",
    ]


def words_in(search: str) -> list[str]:
    """What is looked for: letters and digits only, so that nothing typed is ever read as an operator."""
    kept = (char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in search.casefold())
    return "".join(kept).split()[:MOST_WORDS]


def _newest_on_postgresql(index: WordIndex, owner: str, shop_id: int, wanted: str) -> list[int]:
    """A word that few rows have is read from the index; one that many have from the newest rows backwards.

    PostgreSQL cannot tell how many rows have a word's beginning, and would read all rows for one that hardly any has.
    Out of a materialized part it takes the index, and only as many rows as are asked for.
    """
    rows = f"FROM {index.table} WHERE shop_id = %s AND {index.vector} @@ to_tsquery('simple', %s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found AS MATERIALIZED (SELECT id, {owner} AS owner {rows}) SELECT * FROM found LIMIT {FEW + 1}",
            [shop_id, wanted],
        )
        found = sorted(cursor.fetchall(), reverse=True)
        if len(found) > FEW:
            cursor.execute(f"SELECT id, {owner} {rows} ORDER BY id DESC LIMIT {MOST_ROWS}", [shop_id, wanted])
            found = cursor.fetchall()
    return list(dict.fromkeys(row[1] for row in found[:MOST_ROWS] if row[1] is not None))


def _side_by_side(word: str) -> str:
    """tsquery: "Mサイズ" is M, then サ, イ, ズ, one right after the other; a last piece of letters may go on."""
    pieces = _PIECES.findall(word)
    tail = "" if _UNSPACED.match(pieces[-1]) else ":*"
    return "(" + " <-> ".join(pieces) + tail + ")"


def _read_through(index: WordIndex, owner: str, shop_id: int, words: list[str]) -> tuple[str, list[int | str]]:
    """SQLite's FTS5 cuts at blanks only, and its trigrams miss words of two letters, which most Japanese ones are."""
    text = " || ' ' || ".join(f"coalesce({column}, '')" for column in index.columns)
    holds = " AND ".join(f"instr(lower({text}), %s) > 0" for _ in words)
    query = f"SELECT {owner} FROM {index.table} WHERE shop_id = %s AND {holds} ORDER BY id DESC LIMIT {MOST_ROWS}"
    return query, [shop_id, *words]


def newest_matches(index: WordIndex, owner: str, *, shop_id: int, search: str) -> list[int]:
    """`owner` (a column) of the newest rows in which every word begins some word. At most MOST_ROWS rows are read."""
    words = words_in(search)
    if not words:
        return []
    if connection.vendor == "postgresql":
        return _newest_on_postgresql(index, owner, shop_id, " & ".join(_side_by_side(word) for word in words))
    parameters: list[int | str]
    if any(map(_UNSPACED.search, words)):
        query, parameters = _read_through(index, owner, shop_id, words)
    else:
        query = (
            f"SELECT row.{owner} FROM {index.name} AS found CROSS JOIN {index.table} AS row ON row.id = found.rowid "
            f"WHERE {index.name} MATCH %s AND row.shop_id = %s ORDER BY found.rowid DESC LIMIT {MOST_ROWS}"
        )
        parameters = [" AND ".join(f'"{word}"*' for word in words), shop_id]
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(dict.fromkeys(row[0] for row in cursor.fetchall() if row[0] is not None))
