"""RFC 8058: a mail provider posts, without a cookie, a token or a person; a scanner that only looks changes nothing."""

import pytest
from django.test import Client

from post_purchase.models import ConsentEntry, FlowEvent
from post_purchase.services.consent import record_consent, withdrawn_purposes
from post_purchase.services.unsubscribe import make_code
from post_purchase.words import ChannelKind, EventKind, Purpose
from shopapp.lib import clock
from tests.factories import make_contact, make_point, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def point():
    return make_point(make_contact(make_shop()), ChannelKind.EMAIL)


@pytest.fixture
def path(point):
    return f"/unsubscribe/{make_code(point, Purpose.MARKETING)}"


def one_click(path):
    return Client(enforce_csrf_checks=True).post(
        path, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
    )


def test_one_post_stops_offers_and_review_requests_and_not_order_news(point, path):
    response = one_click(path)
    assert response.status_code == 200
    assert not response.cookies
    assert withdrawn_purposes(point) == {Purpose.MARKETING, Purpose.REVIEW_REQUEST}
    entry = ConsentEntry.objects.get(point=point, purpose=Purpose.MARKETING)
    assert (entry.method, entry.language) == ("one_click", "en")
    assert "Stop these e-mails" in entry.wording
    assert FlowEvent.objects.filter(kind=EventKind.OPTED_OUT, contact=point.contact).count() == 1


def test_looking_at_the_page_changes_nothing(client, point, path):
    response = client.get(path)
    assert response.status_code == 200
    assert f'action="{path}"' in response.content.decode()
    client.head(path)
    assert ConsentEntry.objects.count() == 0


def test_a_repeated_post_adds_nothing(point, path):
    one_click(path)
    one_click(path)
    assert ConsentEntry.objects.count() == 2
    assert FlowEvent.objects.count() == 1


def test_a_later_yes_can_be_taken_back_again(point, path):
    with clock.frozen(clock.now()) as at:
        one_click(path)
        at.move(days=1)
        record_consent(
            point=point, purpose=Purpose.MARKETING, state="granted", method="chat_button", dedupe_key="again"
        )
        assert Purpose.MARKETING not in withdrawn_purposes(point)
        at.move(days=1)
        one_click(path)
    assert Purpose.MARKETING in withdrawn_purposes(point)


def test_a_forged_code_stops_nobody(client, point, path):
    for wrong in (path[:-1], path + "0", "/unsubscribe/1", "/unsubscribe/" + "A" * 500):
        assert client.post(wrong).status_code == 404
    assert ConsentEntry.objects.count() == 0
