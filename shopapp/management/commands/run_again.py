"""Rows that were given up after many tries: list them, run them again, or let them go (docs/operations.md)."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count, Min, Model

from shopapp.lib import clock


class Command(BaseCommand):
    help = "Lists what was given up. With a table: runs it again (or lets it go with --drop)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", nargs="?", help="incomingwebhook, flowevent, timer, runmove")
        parser.add_argument("--pk", type=int, nargs="+", help="only these rows")
        parser.add_argument("--drop", action="store_true", help="do not run them; they count as done, the error stays")

    def handle(self, *args: Any, table: str | None, pk: list[int] | None, drop: bool, **options: Any) -> None:
        models = parking_models()
        if table is None:
            self.list(models)
            return
        if table not in models:
            raise CommandError(f"No table {table!r} is tried again. There are: {', '.join(sorted(models))}.")
        rows = models[table]._default_manager.filter(parked_at__isnull=False)
        if pk:
            rows = rows.filter(pk__in=pk)
        now = clock.now()
        news: dict[str, Any] = {"next_attempt_at": now, "attempts": 0, "error": ""}
        if drop:  # what ends by being deleted (a flow's timer) only stops to wait
            has_end = any(field.name == "done_at" for field in models[table]._meta.local_fields)
            news = {"done_at": now} if has_end else {}
        count = rows.update(parked_at=None, **news)
        self.stdout.write(f"{count} {'let go' if drop else 'due again; the sweep takes them within seconds'}")

    def list(self, models: dict[str, type[Model]]) -> None:
        """By error, without anything of the rows' contents."""
        found = False
        for table, model in sorted(models.items()):
            parked = model._default_manager.filter(parked_at__isnull=False)
            for group in parked.values("error").annotate(count=Count("pk"), first=Min("pk")).order_by("-count"):
                found = True
                self.stdout.write(f"{table}: {group['count']} from pk {group['first']}: {group['error']}")
        if not found:
            self.stdout.write("Nothing was given up.")


def parking_models() -> dict[str, type[Model]]:
    return {
        model._meta.model_name or "": model
        for model in apps.get_models()
        if any(field.name == "parked_at" for field in model._meta.local_fields)
    }
