"""Is it alive, is it well, and how much waits. Every model with `next_attempt_at` is a table of due work.

A balancer should look at /health/live: intake works on while Redis is away. /health/ready is for alarms.
"""

import ipaddress
from collections.abc import Iterator
from datetime import datetime

from django.apps import apps
from django.conf import settings
from django.db import Error, connection, models
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shopapp.lib import clock, queue
from shopapp.lib.crypto import same

TOO_OLD = 300  # seconds that due work may lie before somebody should look


def due_models() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models()
        if any(field.name == "next_attempt_at" for field in model._meta.local_fields)
    ]


def oldest_due(now: datetime) -> dict[str, float]:
    """Seconds by which the oldest due row of each table is late; 0 where nothing is due."""
    ages = {}
    for model in due_models():
        first = model._default_manager.filter(next_attempt_at__lte=now).aggregate(first=Min("next_attempt_at"))["first"]
        ages[model._meta.model_name or ""] = (now - first).total_seconds() if first else 0.0
    return ages


def parked_rows() -> dict[str, int]:
    """Rows by table that were given up after many tries and wait for a person (docs/operations.md)."""
    return {
        model._meta.model_name or "": model._default_manager.filter(parked_at__isnull=False).count()
        for model in apps.get_models()
        if any(field.name == "parked_at" for field in model._meta.local_fields)
    }


def alarmed_rows() -> dict[str, int]:
    """Rows by table at which something is wrong that only a merchant can mend: `alarmed_at` says since when."""
    return {
        model._meta.model_name or "": model._default_manager.filter(alarmed_at__isnull=False).count()
        for model in apps.get_models()
        if any(field.name == "alarmed_at" for field in model._meta.local_fields)
    }


def live(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"alive": True})


def ready(request: HttpRequest) -> HttpResponse:
    """200, or 503 with the names of what is wrong in `problems`."""
    problems: list[str] = []
    ages: dict[str, float] = {}
    parked: dict[str, int] = {}
    try:
        ages, parked = oldest_due(clock.now()), parked_rows()
    except Error:
        problems.append("database: no answer")
        if not connection.in_atomic_block:
            connection.close()
    try:
        queue.redis().ping()
    except queue.RedisError:
        problems.append("redis: no answer")
    problems += [
        f"{name}: the oldest due row has waited {age:.0f} s" for name, age in sorted(ages.items()) if age > TOO_OLD
    ]
    problems += [f"{name}: {count} given up; see run_again" for name, count in sorted(parked.items()) if count]
    answer = {
        "ready": not problems,
        "problems": problems,
        "oldest_due_seconds": round(max(ages.values(), default=0), 1),
    }
    return JsonResponse(answer, status=503 if problems else 200, headers={"Cache-Control": "no-store"})


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text. For the private network, or with METRICS_TOKEN as Bearer token; others get 404."""
    if not _may_read(request):
        return HttpResponse(status=404)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FromDatabase())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "")
    if settings.METRICS_TOKEN and same(given, f"Bearer {settings.METRICS_TOKEN}"):
        return True
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False  # a proxy stands in between: the caller may be anybody
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return address.is_loopback or address.is_private


class FromDatabase(Collector):
    """Counted at each scrape from what all processes share, so that it is true for any number of workers."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        now = clock.now()
        rows = GaugeMetricFamily("doorstep_due_rows", "Rows that are due and wait for a worker", labels=["table"])
        late = GaugeMetricFamily("doorstep_due_age_seconds", "Lateness of the oldest due row", labels=["table"])
        states = GaugeMetricFamily("doorstep_rows", "Rows by status", labels=["table", "status"])
        for model in due_models():
            table = model._meta.model_name or ""
            due = model._default_manager.filter(next_attempt_at__lte=now).aggregate(
                count=Count("pk"), first=Min("next_attempt_at")
            )
            rows.add_metric([table], due["count"])
            late.add_metric([table], (now - due["first"]).total_seconds() if due["first"] else 0)
            if any(field.name == "status" for field in model._meta.local_fields):
                for status, count in model._default_manager.values_list("status").annotate(Count("pk")).order_by():
                    states.add_metric([table, str(status)], count)
        parked = GaugeMetricFamily("doorstep_parked_rows", "Rows given up after many tries", labels=["table"])
        for table, count in parked_rows().items():
            parked.add_metric([table], count)
        alarmed = GaugeMetricFamily("doorstep_alarmed_rows", "Rows with an alarm for their merchant", labels=["table"])
        for table, count in alarmed_rows().items():
            alarmed.add_metric([table], count)
        yield from (rows, late, states, parked, alarmed)
        jobs = GaugeMetricFamily("doorstep_jobs_waiting", "Jobs in the queue", labels=["queue"])
        up = GaugeMetricFamily("doorstep_redis_up", "1 when Redis answers")
        try:
            for name, count in queue.waiting_jobs().items():
                jobs.add_metric([name], count)
            up.add_metric([], 1)
        except queue.RedisError:
            up.add_metric([], 0)
        yield from (jobs, up)
