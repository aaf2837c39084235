"""Pages that printed codes lead to are looked at on a real website; a missing one raises the alarm for both readers."""

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from post_purchase.jobs.printing import check_pages, watch_printed
from post_purchase.models import PageCheck, PrintBatch, Touchpoint
from post_purchase.services import page_checks, print_health
from post_purchase.services.links import touchpoint_of
from post_purchase.words import TouchpointKind
from shopapp.lib import clock
from tests import factories
from tests.pages.conftest import NOW

pytestmark = pytest.mark.django_db


class Website:
    """A shop's website on loopback: `answers` says what each path gives; `asked` is what was asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, int] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: object) -> None:
                pass

            def do_GET(self) -> None:
                site.asked.append(self.path)
                self.send_response(site.answers.get(self.path, 200))
                if site.answers.get(self.path) == 302:
                    self.send_header("Location", "http://127.0.0.1:1/password")
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def website(settings, monkeypatch) -> Iterator[Website]:
    site = Website()
    threading.Thread(target=site.server.serve_forever, args=(0.02,), daemon=True).start()
    settings.DEMO, settings.DEMO_WORLD_URL = True, site.origin
    monkeypatch.setattr(page_checks, "page_url", lambda path, **shop: f"{site.origin}{path}")
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def at():
    with clock.frozen(NOW) as at:
        yield at


@pytest.fixture
def shop(at):
    shop = factories.make_shop()
    factories.make_channel(shop)
    return shop


@pytest.fixture
def card(shop) -> Touchpoint:
    row = touchpoint_of(shop=shop, kind=TouchpointKind.PACKAGE_INSERT)
    PrintBatch.objects.create(touchpoint=row, name="Spring", quantity=1, made=1)
    return row


def lead(card: Touchpoint, **route: str) -> None:
    card.options = route
    card.save()
    page_checks.look_soon(shop=card.shop, paths=set(route.values()))


def texts(shop) -> list[tuple[bool, str]]:
    return [(trouble.severe, trouble.text) for trouble in print_health.troubles_of(shop)]


def test_a_missing_page_raises_the_alarm_and_its_return_ends_it(website, shop, card, at, caplog):
    website.answers["/pages/thanks"] = 404
    lead(card, page="/pages/thanks")
    with caplog.at_level(logging.WARNING):
        check_pages()
        watch_printed()
    assert [(severe, "there is no such page" in text) for severe, text in texts(shop)] == [(True, True)]
    card.refresh_from_db()
    assert card.alarmed_at == NOW
    assert {record.message for record in caplog.records} >= {"printed.page_missing", "printed.leads_nowhere"}
    website.answers["/pages/thanks"] = 200
    at.move(hours=23)
    check_pages()
    assert website.asked == ["/pages/thanks"]  # once a day
    at.move(hours=2)
    check_pages()
    watch_printed()
    card.refresh_from_db()
    assert (texts(shop), card.alarmed_at, len(website.asked)) == ([], None, 2)


def test_the_alarm_is_counted_for_who_is_on_call(website, shop, card, client):
    website.answers["/gone"] = 410
    lead(card, page="/gone")
    check_pages()
    watch_printed()
    assert 'doorstep_alarmed_rows{table="touchpoint"} 1.0' in client.get("/metrics").content.decode()


@pytest.mark.parametrize("status", [200, 302, 401, 403, 430, 500, 503])
def test_only_not_found_is_missing(website, shop, card, status):
    website.answers["/x"] = status
    lead(card, page="/x")
    check_pages()
    assert PageCheck.objects.get().status == status
    assert texts(shop) == []
    assert website.asked == ["/x"]  # no redirect is followed


def test_a_silent_website_keeps_what_was_known_and_is_asked_again_within_the_hour(website, shop, card, at):
    website.answers["/x"] = 404
    lead(card, page="/x")
    check_pages()
    website.server.shutdown()
    website.server.server_close()
    at.move(days=1, minutes=1)
    check_pages()
    check = PageCheck.objects.get()
    assert (check.missing, check.status, check.next_attempt_at) == (True, None, clock.now() + page_checks.AGAIN)


def test_pages_that_no_route_names_are_forgotten(website, shop, card):
    lead(card, page="/one", page_after="/two")
    assert set(PageCheck.objects.values_list("path", flat=True)) == {"/one", "/two"}
    lead(card, page="/two")
    check_pages()
    assert (website.asked, list(PageCheck.objects.values_list("path", flat=True))) == (["/two"], ["/two"])
    Touchpoint.objects.update(options={})
    PageCheck.objects.update(next_attempt_at=clock.now())
    check_pages()
    assert not PageCheck.objects.exists()


def test_a_private_address_is_never_asked(shop, card, settings, monkeypatch):
    settings.DEMO = False
    monkeypatch.setattr(page_checks, "page_url", lambda path, **where: f"http://127.0.0.1:1{path}")
    lead(card, page="/x")
    check_pages()
    check = PageCheck.objects.get()
    assert (check.status, check.missing) == (None, False)
