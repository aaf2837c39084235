"""One UPDATE for many rows that each get values of their own."""

from collections.abc import Mapping, Sequence

from django.db import connection, models


def update_each(model: type[models.Model], columns: Sequence[str], rows: Mapping[int, Sequence[int | str]]) -> int:
    """`rows`: {primary key: values in the order of `columns`}. Numbers and texts only, no NULL. Returns how many rows.

    Django's own bulk_update builds a CASE for each column and row, which takes longer than the database does.
    """
    if not rows:
        return 0
    quoted = [connection.ops.quote_name(name) for name in columns]
    table, key = connection.ops.quote_name(model._meta.db_table), connection.ops.quote_name("id")
    # The names are our own constants; the values travel as parameters.
    news = ", ".join(f"{name} = v.column{place}" for place, name in enumerate(quoted, 2))
    places = ", ".join(["(" + ", ".join(["%s"] * (len(columns) + 1)) + ")"] * len(rows))
    update = f"UPDATE {table} SET {news} FROM (VALUES {places}) AS v WHERE {table}.{key} = v.column1"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(update, [value for pk, values in rows.items() for value in (pk, *values)])
        return int(cursor.rowcount)
