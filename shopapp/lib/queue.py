"""The only door to RQ. A queue entry is a wake-up, never the only trace of work: jobs look in the database.

`wake(job)` is coalesced: a thread per process tells Redis at most once every few tens of milliseconds, and a job that
waits in its queue is not added again. Redis away is not an error here: the sweep in shopapp/cron.py finds the rows.
"""

import importlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import django_rq
from django.db import connection, transaction
from redis import Redis
from redis.exceptions import RedisError as RedisError  # others catch queue.RedisError
from rq import Queue, cron

log = logging.getLogger("shopapp.queue")
COALESCE_SECONDS = 0.02
MARK_SECONDS = 15  # a lost wake-up delays work by at most this long


class Job(StrEnum):
    """Every job by name: `<queue>:<module>.<function>`. A lower floor wakes an upper one by it, never by import."""

    PROCESS_WEBHOOKS = "hot:post_purchase.jobs.webhooks.process_webhooks"
    HANDLE_EVENTS = "hot:post_purchase.jobs.flows.handle_events"
    HANDLE_TIMERS = "hot:post_purchase.jobs.flows.handle_timers"
    SEND_MESSAGES = "hot:post_purchase.jobs.messages.send_messages"
    MOVE_RUNS = "default:post_purchase.jobs.flows.move_runs"
    FETCH_MEDIA = "default:post_purchase.jobs.media.fetch_media"
    ISSUE_REWARDS = "hot:post_purchase.jobs.rewards.issue_rewards"
    CARRY_OUT_ACTIONS = "hot:post_purchase.jobs.requested_actions.carry_out_actions"
    READ_POLICIES = "default:post_purchase.jobs.requested_actions.read_policies"
    WAKE_SNOOZED = "default:post_purchase.jobs.inbox.wake_snoozed"
    TELL_TEAMS = "default:post_purchase.jobs.inbox.tell_teams"
    SEND_DIGESTS = "default:post_purchase.jobs.inbox.send_digests"
    SHOW_PRESENCE = "hot:post_purchase.jobs.inbox.show_presence"
    SYNC_PRODUCTS = "default:post_purchase.jobs.products.sync_products"
    CALL_OUT = "default:post_purchase.jobs.outgoing_calls.call_out"
    WATCH_TIME = "default:post_purchase.jobs.flows.watch_time"
    INGEST_SCANS = "default:post_purchase.jobs.scans.ingest_scans"
    REHEARSE = "default:post_purchase.jobs.rehearsals.rehearse"
    MAKE_PRINTS = "slow:post_purchase.jobs.printing.make_prints"
    CHECK_PAGES = "default:post_purchase.jobs.printing.check_pages"
    WATCH_PRINTED = "default:post_purchase.jobs.printing.watch_printed"
    REMOVE_FILES = "default:post_purchase.jobs.files.remove_files"
    SET_UP_SHOP = "default:post_purchase.jobs.shops.set_up_shop"
    SUBMIT_TEMPLATES = "default:post_purchase.jobs.templates.submit_templates"
    BACKFILL_ORDERS = "default:post_purchase.jobs.orders.backfill_orders"
    RECONCILE_ORDERS = "default:post_purchase.jobs.orders.reconcile_orders"
    RECONCILE_MESSAGES = "default:post_purchase.jobs.messages.reconcile_messages"
    ANSWER_PRIVACY_REQUESTS = "default:post_purchase.jobs.privacy.answer_privacy_requests"
    PUBLISH_METAFIELDS = "default:post_purchase.jobs.publications.publish_metafields"
    SYNC_CONSENT = "default:post_purchase.jobs.consents.sync_consent"
    KEEP_TOKENS_ALIVE = "default:post_purchase.jobs.shops.keep_tokens_alive"
    CLEAN_UP = "default:post_purchase.jobs.clean_up.clean_up"

    @property
    def queue(self) -> str:
        return self.value.split(":")[0]

    @property
    def path(self) -> str:
        return self.value.split(":")[1]


_queues: dict[str, Queue] = {}
_inherited: list[Queue] = []


def _queue(name: str) -> Queue:
    if name not in _queues:
        _queues[name] = django_rq.get_queue(name)  # looking it up anew each time costs 1.7 ms
    return _queues[name]


def redis() -> Redis:
    """The Redis connection pool that queues, rate buckets and counters share."""
    return _queue("hot").connection


def run(name: str, *args: Any) -> None:
    """What RQ executes: take the mark off first, so that whoever writes a row from now on wakes us again, then work."""
    job = Job[name]
    if not args:
        try:
            redis().delete(_mark(job))
        except RedisError:
            log.warning("queue.redis_away", extra={"job": name})
    module, function = job.path.rsplit(".", 1)
    try:
        getattr(importlib.import_module(module), function)(*args)
    finally:
        _waker.flush()  # this process may end now: tell Redis what the work just done has made due
        connection.close_if_unusable_or_obsolete()


def _mark(job: Job) -> str:
    return f"doorstep:wake:{job.name}"


class _Waker:
    """Collects wake-ups of this process and tells Redis from one thread."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.waiting: set[Job] = set()
        self.lock = threading.Lock()
        self.ring = threading.Event()
        self.thread: threading.Thread | None = None

    def add(self, job: Job) -> None:
        with self.lock:
            self.waiting.add(job)
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self.work, name="waker", daemon=True)
                self.thread.start()
        self.ring.set()

    def work(self) -> None:
        while True:
            self.ring.wait()
            time.sleep(COALESCE_SECONDS)
            self.ring.clear()
            self.flush()

    def flush(self) -> None:
        with self.lock:
            jobs, self.waiting = self.waiting, set()
        for job in sorted(jobs):
            push(job)


_waker = _Waker()


def _after_fork() -> None:
    """Another thread may have held a lock of ours or of the pool's at the fork, and is not there to give it back.

    What the parent had still to tell is the parent's to tell. Its connections are kept, unused: to close them takes the
    pool's lock.
    """
    _waker.begin()
    _inherited.extend(_queues.values())
    _queues.clear()


os.register_at_fork(after_in_child=_after_fork)


def push(job: Job) -> bool:
    """Put the job in its queue unless it waits there already. False when Redis is away."""
    try:
        if redis().set(_mark(job), "1", nx=True, ex=MARK_SECONDS):
            _queue(job.queue).enqueue(run, job.name, result_ttl=0, failure_ttl=86400)
    except RedisError:
        log.warning("queue.redis_away", extra={"job": job.name})
        return False
    return True


def wake(job: Job) -> None:
    """After the running transaction commits, have somebody look for due work of this kind."""
    transaction.on_commit(lambda: _waker.add(job))


def enqueue(job: Job, *args: Any) -> None:
    """After commit, run this job for these primary keys. Where Redis is away the sweep runs it."""

    def put() -> None:
        try:
            _queue(job.queue).enqueue(run, job.name, *args, result_ttl=0, failure_ttl=86400)
        except RedisError:
            log.warning("queue.redis_away", extra={"job": job.name})

    transaction.on_commit(put)


def every(seconds: int, job: Job) -> None:
    """For shopapp/cron.py: the sweep. Pushes through the same mark, so a slow worker is not buried."""
    cron.register(push_by_name, "hot", args=(job.name,), interval=seconds, result_ttl=0)


def push_by_name(name: str) -> None:
    push(Job[name])


def tell(topic: str) -> None:
    """Wake whoever listens to this topic now. Nobody may depend on it: Redis away is not an error here."""
    try:
        redis().publish(topic, b"")
    except RedisError:
        log.warning("queue.redis_away", extra={"job": "tell"})


def listen(prefix: str) -> Iterator[str | None]:
    """The topics below `prefix` that are told, as they come; None about every second without one. Raises RedisError."""
    with redis().pubsub(ignore_subscribe_messages=True) as heard:  # type: ignore[no-untyped-call]
        heard.psubscribe(f"{prefix}*")
        while True:
            message = heard.get_message(timeout=1.0)
            yield message["channel"].decode() if message else None


def note(name: str, *, seconds: int) -> None:
    """Keep a fact of the moment. Redis away: it is not kept, which must do no harm."""
    try:
        redis().set(f"doorstep:{name}", b"1", ex=seconds)
    except RedisError:
        log.warning("queue.redis_away", extra={"job": "note"})


def forget(name: str) -> None:
    try:
        redis().delete(f"doorstep:{name}")
    except RedisError:
        log.warning("queue.redis_away", extra={"job": "forget"})


def is_noted(name: str) -> bool:
    try:
        return bool(redis().exists(f"doorstep:{name}"))
    except RedisError:
        return False


def within_limit(key: str, *, most: int, seconds: int) -> bool:
    """Count one use in this span of time; False once there were more than `most`. Redis away: True."""
    name = f"doorstep:limit:{key}:{int(time.time() // seconds)}"
    try:
        pipe = redis().pipeline(transaction=False)
        pipe.incr(name)
        pipe.expire(name, 2 * seconds)
        return int(pipe.execute()[0]) <= most
    except RedisError:
        return True


def waiting_jobs() -> dict[str, int]:
    """Jobs per queue, for /metrics. Raises RedisError when Redis is away."""
    return {name: _queue(name).count for name in ("hot", "default", "slow")}
