"""What the operator is told when something is wrong."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client

from shopapp.lib import clock, queue
from shopapp.models import IncomingWebhook
from shopapp.web import health
from tests.factories import make_shop

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at():
    with clock.frozen(NOW) as at:
        yield at


def due(since: datetime) -> None:
    IncomingWebhook.objects.create(
        source="shopify", account="a", topic="orders/create", event_id=str(since), body=b"{}",
        received_at=since, next_attempt_at=since,
    )  # fmt: skip


def test_alive_needs_neither_database_nor_redis():
    assert Client().get("/health/live").json() == {"alive": True}


@pytest.mark.django_db
def test_ready_says_how_late_the_oldest_work_is():
    due(NOW - timedelta(seconds=12))
    due(NOW + timedelta(hours=1))
    answer = Client().get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "problems": [], "oldest_due_seconds": 12.0})


@pytest.mark.django_db
def test_work_that_nobody_does_is_named():
    due(NOW - timedelta(seconds=301))
    make_shop(next_attempt_at=NOW - timedelta(hours=1))
    answer = Client().get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["problems"] == [
        "incomingwebhook: the oldest due row has waited 301 s",
        "shop: the oldest due row has waited 3600 s",
    ]


@pytest.mark.django_db
def test_what_is_away_is_named(monkeypatch):
    def no_redis():
        raise queue.RedisError("away")

    def no_database(now):
        raise OperationalError("away")

    monkeypatch.setattr(queue, "redis", no_redis)
    monkeypatch.setattr(health, "oldest_due", no_database)
    answer = Client().get("/health/ready")
    assert (answer.status_code, answer.json()["problems"]) == (503, ["database: no answer", "redis: no answer"])


def test_every_table_of_due_work_is_watched():
    names = {model._meta.model_name for model in health.due_models()}
    assert {
        "incomingwebhook",
        "shop",
        "message",
        "timer",
        "flowevent",
        "reward",
        "attachment",
        "privacyrequest",
    } <= names


@pytest.mark.django_db
def test_metrics_count_rows_and_jobs():
    due(NOW - timedelta(seconds=7))
    make_shop()
    queue.push(queue.Job.CLEAN_UP)
    text = Client().get("/metrics").content.decode()
    assert 'doorstep_due_rows{table="incomingwebhook"} 1.0' in text
    assert 'doorstep_due_age_seconds{table="incomingwebhook"} 7.0' in text
    assert 'doorstep_rows{status="installed",table="shop"} 1.0' in text
    assert 'doorstep_jobs_waiting{queue="default"} 1.0' in text
    assert "doorstep_redis_up 1.0" in text


@pytest.mark.django_db
def test_metrics_are_not_for_the_world(settings):
    assert Client(REMOTE_ADDR="8.8.8.8").get("/metrics").status_code == 404
    assert Client(HTTP_X_FORWARDED_FOR="8.8.8.8").get("/metrics").status_code == 404
    assert Client(REMOTE_ADDR="8.8.8.8", HTTP_AUTHORIZATION="Bearer ").get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "let-me-read"
    assert Client(REMOTE_ADDR="8.8.8.8", HTTP_AUTHORIZATION="Bearer x").get("/metrics").status_code == 404
    assert Client(REMOTE_ADDR="8.8.8.8", HTTP_AUTHORIZATION="Bearer let-me-read").get("/metrics").status_code == 200


def given_up(number: int) -> IncomingWebhook:
    due(NOW - timedelta(days=number))
    row = IncomingWebhook.objects.latest("pk")
    IncomingWebhook.objects.filter(pk=row.pk).update(
        next_attempt_at=None, parked_at=NOW, attempts=14, error="TypeError at topics.py:3"
    )
    return row


@pytest.mark.django_db
def test_what_was_given_up_is_an_alarm_until_somebody_runs_it_again():
    first, second = given_up(1), given_up(2)
    answer = Client().get("/health/ready")
    assert (answer.status_code, answer.json()["problems"]) == (503, ["incomingwebhook: 2 given up; see run_again"])
    assert 'doorstep_parked_rows{table="incomingwebhook"} 2.0' in Client().get("/metrics").content.decode()
    said = io.StringIO()
    call_command("run_again", stdout=said)
    assert said.getvalue() == f"incomingwebhook: 2 from pk {first.pk}: TypeError at topics.py:3\n"
    call_command("run_again", "incomingwebhook", "--pk", str(first.pk), stdout=said)
    call_command("run_again", "incomingwebhook", "--drop", stdout=said)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.parked_at, first.next_attempt_at, first.attempts, first.error) == (None, NOW, 0, "")
    assert (second.parked_at, second.next_attempt_at, second.done_at) == (None, None, NOW)
    assert second.error == "TypeError at topics.py:3"
    assert Client().get("/health/ready").status_code == 200


@pytest.mark.django_db
def test_a_table_that_gives_nothing_up_is_refused_with_those_that_do():
    with pytest.raises(CommandError, match="There are: flowevent, incomingwebhook, runmove, timer"):
        call_command("run_again", "order")
