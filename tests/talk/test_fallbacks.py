"""What goes by another channel, and what is never said twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from post_purchase.jobs.messages import reconcile_messages, send_messages
from post_purchase.models import Message, ShopSettings
from post_purchase.services import delivery
from post_purchase.services.arbiter import Decision, Proposal, judge
from post_purchase.services.fallbacks import go_on_after_silence
from post_purchase.words import ChannelKind, MessageStatus, Mode, Purpose
from shopapp.lib import clock
from tests import factories
from tests.network import SmallGraph, whatsapp_error
from tests.talk.test_arbiter import EMAIL, LYON, NOON, WHATSAPP
from tests.talk.test_delivery import Talk, at, grant, graph, heard, state, talk

__all__ = ["at", "graph", "talk"]  # fixtures


def two_ways(talk: Talk, **chosen: object) -> None:
    factories.make_channel(talk.shop, ChannelKind.EMAIL)
    mail = factories.make_point(talk.contact, ChannelKind.EMAIL)
    factories.bind(mail, talk.order)
    grant(mail, Purpose.UTILITY)
    ShopSettings.objects.filter(shop=talk.shop).update(**chosen)


def silence(at, minutes: int = 61) -> None:
    at.move(minutes=minutes)
    reconcile_messages()
    send_messages()


@pytest.mark.django_db
def test_silence_alone_says_nothing_twice(talk: Talk, graph: SmallGraph, at, mailoutbox):
    two_ways(talk)
    message = talk.queue()
    send_messages()
    silence(at, 600)
    assert (state(message), len(graph.calls), mailoutbox) == (("sent", ""), 1, [])


@pytest.mark.django_db
def test_order_news_goes_on_after_silence_where_the_merchant_wants_it(talk: Talk, graph: SmallGraph, at, mailoutbox):
    two_ways(talk, fallback_unsure=True, fallback_minutes={"whatsapp": 30})
    news = talk.queue()
    send_messages()
    answer, read = talk.queue("An answer", point=talk.point), talk.queue("Read")
    send_messages()
    heard(Message.objects.get(pk=read.pk), MessageStatus.DELIVERED)
    silence(at, 29)
    assert mailoutbox == []
    silence(at, 2)
    assert [mail.body.split("\n")[0] for mail in mailoutbox] == ["On its way"]
    assert (state(news)[0], news.channel.kind) == ("sent", "email")
    assert news.detour == ("By E-mail: WhatsApp cannot be used: it has not said in 30 minutes whether this arrived")
    assert (state(answer)[0], state(read)[0]) == ("sent", "delivered")
    silence(at, 600)  # mail tells nothing of arrivals: it ends there
    assert (len(mailoutbox), len(graph.calls)) == (1, 3)


@pytest.mark.django_db
def test_a_lost_answer_counts_as_silence(talk: Talk, graph: SmallGraph, at, mailoutbox):
    two_ways(talk, fallback_unsure=True)
    graph.script = ["drop"]
    message = talk.queue()
    send_messages()
    assert state(message)[0] == "sending"
    silence(at)
    assert (state(message)[0], len(mailoutbox)) == ("sent", 1)


@pytest.mark.django_db
def test_without_another_way_it_stays_what_was_sent_and_is_looked_at_once(talk: Talk, graph: SmallGraph, at):
    ShopSettings.objects.update(fallback_unsure=True)
    message = talk.queue()
    send_messages()
    silence(at)
    assert state(message) == ("sent", "")
    two_ways(talk)
    silence(at)
    assert (state(message), len(graph.calls)) == (("sent", ""), 1)


@pytest.mark.django_db
def test_a_late_word_from_the_first_network_stops_the_second(talk: Talk, graph: SmallGraph, at, mailoutbox):
    two_ways(talk, fallback_unsure=True)
    message = talk.queue()
    send_messages()
    at.move(minutes=61)
    message.refresh_from_db()
    assert go_on_after_silence(now=clock.now()) == 1
    assert state(message)[0] == "queued"
    heard(message, MessageStatus.DELIVERED)
    send_messages()
    assert (state(message), message.next_attempt_at, mailoutbox) == (("delivered", ""), None, [])
    assert delivery.claim_due() == []


@pytest.mark.django_db
def test_what_surely_failed_stays_where_the_merchant_keeps_it(talk: Talk, graph: SmallGraph, mailoutbox):
    two_ways(talk, kept_purposes=["utility"])
    graph.script = [whatsapp_error(131026)]
    message = talk.queue()
    send_messages()
    assert state(message) == (
        "suppressed",
        "WhatsApp cannot be used: WhatsApp cannot deliver to this shopper.",
    )
    assert mailoutbox == []


WAYS = st.builds(
    lambda mode, blocked, agrees, late: {"mode": mode, "blocked": blocked, "agrees": agrees, "late": late},
    st.sampled_from([Mode.FREE, Mode.NONE]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(ways=st.lists(WAYS, min_size=1, max_size=4), keeps=st.booleans())
@effort(max_examples=80)
def test_the_chain_takes_the_first_way_that_may_and_a_kept_message_only_the_first_at_all(ways, keeps):
    candidates = tuple(
        replace(
            (WHATSAPP, EMAIL)[place % 2],
            point_id=place,
            mode=way["mode"],
            blocked_reason="it did not arrive" if way["blocked"] else "",
            granted=frozenset({Purpose.UTILITY} if way["agrees"] else ()),
            not_before=NOON + timedelta(hours=3) if way["late"] else None,
        )
        for place, way in enumerate(ways)
    )
    open_ones = [
        place for place, way in enumerate(ways) if way["agrees"] and not way["blocked"] and way["mode"] == Mode.FREE
    ]
    now_ones = [place for place in open_ones if not ways[place]["late"]]
    verdict = judge(Proposal(Purpose.UTILITY, keeps_channel=keeps), replace(LYON, candidates=candidates), NOON)
    allowed, soon = [[place for place in each if place == 0 or not keeps] for each in (open_ones, now_ones)]
    if soon:
        assert (verdict.decision, verdict.candidate.point_id) == (Decision.GO, soon[0])
    elif allowed:
        assert verdict.decision == Decision.HOLD
    else:
        assert verdict.decision == Decision.SUPPRESS
