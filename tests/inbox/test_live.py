"""The inbox hears that something is new, only with the token of this shop's staff; and asks by itself as well."""

import asyncio
from datetime import timedelta

import pytest

from post_purchase.models import Member
from post_purchase.services import inbox_states
from post_purchase.web.public import chat_stream
from shopapp.lib import clock, queue
from tests import factories
from tests.shopapp.pretend import SHOP, admin_claims, sign
from tests.webchat.test_stream import Line, status_of

pytestmark = pytest.mark.django_db(transaction=True)


def headers(token, room="team"):
    return {"authorization": f"Bearer {token}", "x-room": room}


def test_staff_hear_of_their_own_shop_only_and_strangers_of_none():
    shop = factories.make_shop(SHOP)
    rival = factories.make_shop("rival-goods.myshopify.com")
    token = sign(admin_claims(SHOP))
    assert chat_stream._address(f"Bearer {token}", "team") == f"team:{shop.pk}"

    async def story():
        line = Line(headers(token))
        task = asyncio.ensure_future(line.run())
        heard = [await line.status(), await line.text()]
        for _ in range(50):  # until the listener has subscribed
            queue.tell(f"{chat_stream.TOPIC}team:{rival.pk}")
            inbox_states.tell_team(shop_id=shop.pk)
            try:
                heard.append(await asyncio.wait_for(line.text(), 0.2))
                break
            except TimeoutError:
                continue
        line.left.set()
        await asyncio.wait({task}, timeout=10)
        refused = [await status_of(Line(headers(bad))) for bad in ("", "x", sign(admin_claims("gone.myshopify.com")))]
        return heard, refused

    heard, refused = asyncio.run(story())
    assert heard == [200, b": here\n\n", b"data: news\n\n"]
    assert refused == [401, 401, 401]


def test_the_list_asks_again_and_is_told_when_nothing_changed(owner, shop):
    Member.objects.create(shop=shop, user_id="42", role="owner", joined_at=clock.now())
    contact = factories.make_contact(shop)
    row = factories.make_conversation(
        contact, state="team", waits_since=clock.now() - timedelta(hours=3), last_message_at=clock.now()
    )
    first = owner.get("/app/conversations/live?view=team")
    assert "Waiting for us" in first.content.decode()
    again = owner.get("/app/conversations/live?view=team", HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert owner.post("/app/settings/team", {"first_response_minutes": "60"}).status_code == 200
    changed = owner.get("/app/conversations/live?view=team", HTTP_IF_NONE_MATCH=first["ETag"])
    assert "Late: waiting for us" in changed.content.decode()
    assert "Late</s-badge>" in owner.get(f"/app/conversations/{row.pk}").content.decode()
