"""Outside the window a message goes with its own version's words: once they are approved, and never with others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from post_purchase.channels.base import Button, OutMessage, TemplateUpdate, TemplateUse, UrlButton
from post_purchase.jobs.messages import send_messages
from post_purchase.models import Conversation, Message, MessageTemplate
from post_purchase.services.inbox import searched
from post_purchase.services.messages import queue_message
from post_purchase.services.template_words import READING, digest_of
from post_purchase.services.templates import apply_update
from post_purchase.web.pages.thread import bubble
from post_purchase.words import Author, Purpose
from shopapp.lib import clock
from tests.network import small_graph
from tests.talk.test_delivery import Talk, state

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WABA = "102290129340398"
OLD, NEW = "Your order {{1}} is on its way, thank you.", "Order {{1}} has left our house, thank you."
FREE = "Order #1001 is on its way. Anything else?"


@pytest.fixture
def at():
    with clock.frozen(NOON) as frozen:
        yield frozen


@pytest.fixture
def graph(settings):
    with small_graph() as network:
        settings.META_GRAPH_ORIGIN = network.origin
        yield network


@pytest.fixture
def talk(at) -> Talk:
    """The window has closed."""
    made = Talk()
    at.move(hours=30)
    return made


def template(talk: Talk, body: str, status: str, name: str = "shipped", language: str = "en", **more: Any) -> None:
    fields = {"category": "UTILITY", "asked_category": "UTILITY"} | more
    MessageTemplate.objects.create(
        channel=talk.channel, name=name, language=language, body=body, status=status, **fields
    )


def queue(talk: Talk, bodies: dict[str, str], language: str = "en", key: str = "m", **more: Any) -> Message:
    digests = {tag: digest_of(body) for tag, body in bodies.items()}
    use = TemplateUse(name="shipped", language=language, parameters=["#1001"], bodies=digests)
    content = OutMessage(
        text=FREE,
        buttons=[Button(id="yes", title="Yes")],
        url_button=UrlButton(title="Track", url="https://t.example.com"),
        template=use,
    )
    fields = {"purpose": Purpose.UTILITY, "author": Author.FLOW, "order": talk.order} | more
    return queue_message(conversation=talk.conversation, content=content, dedupe_key=key, **fields)


def names(graph) -> list[tuple[str, str]]:
    found = [call["template"] for call in graph.calls if call["type"] == "template"]
    return [(each["name"], each["language"]["code"]) for each in found]


def test_each_message_goes_with_its_own_versions_words_whatever_they_are_called(talk, graph):
    template(talk, OLD, "approved")
    template(talk, NEW, "approved", "shipped_abc")
    old, new = queue(talk, {"en": OLD}, key="old"), queue(talk, {"en": NEW}, key="new")
    send_messages()
    assert names(graph) == [("shipped", "en"), ("shipped_abc", "en")]
    assert [state(old)[0], state(new)[0]] == ["sent", "sent"]
    assert (old.text, new.text) == (OLD.replace("{{1}}", "#1001"), NEW.replace("{{1}}", "#1001"))


@pytest.mark.parametrize("status", ["pending", "draft"])
def test_while_meta_reads_the_words_the_message_waits_and_no_other_words_go(talk, graph, at, status):
    template(talk, OLD, "approved")
    template(talk, NEW, status, "shipped_abc")
    message = queue(talk, {"en": NEW})
    send_messages()
    assert state(message) == ("held", f"Held until 19:15 in Berlin: {READING}")
    assert graph.calls == []
    assert apply_update(TemplateUpdate(WABA, "shipped_abc", "en", "APPROVED")) == 1
    message.refresh_from_db()
    assert message.next_attempt_at == clock.now()
    send_messages()
    assert (state(message)[0], names(graph)) == ("sent", [("shipped_abc", "en")])


def test_words_that_meta_refuses_do_not_go_and_it_is_said_at_once(talk, graph):
    template(talk, NEW, "pending")
    message = queue(talk, {"en": NEW})
    send_messages()
    assert state(message)[0] == "held"
    apply_update(TemplateUpdate(WABA, "shipped", "en", "REJECTED", reason="INVALID_FORMAT"))
    send_messages()
    assert state(message)[0] == "suppressed"
    assert state(message)[1].endswith("this message has no approved template")


def test_it_waits_to_the_end_of_its_time_and_not_beyond(talk, graph, at):
    template(talk, NEW, "pending")
    message = queue(talk, {"en": NEW}, use_by_at=clock.now() + timedelta(minutes=20))
    looked = []
    while state(message)[0] != "suppressed":
        at.to(message.next_attempt_at)
        send_messages()
        looked.append(clock.now() - NOON - timedelta(hours=30))
    assert [each / timedelta(minutes=1) for each in looked] == [0, 15, 19]
    assert "out of date" in state(message)[1]


def test_words_that_are_about_to_be_handed_in_are_waited_for(talk, graph, at):
    """The account has just been connected."""
    talk.channel.templates_due_at = clock.now()
    talk.channel.save()
    message, offer = queue(talk, {"en": NEW}), queue(talk, {}, key="typed")
    send_messages()
    assert state(message)[0] == "held"
    assert state(offer)[0] == "suppressed"  # a name that nobody has
    talk.channel.templates_due_at = None
    talk.channel.save()
    Message.objects.filter(pk=message.pk).update(next_attempt_at=clock.now())
    send_messages()
    assert state(message)[0] == "suppressed"


def test_a_language_that_the_shop_does_not_submit_falls_back_to_its_own(talk, graph):
    template(talk, NEW, "approved")
    template(talk, "Etwas anderes: {{1}}, ja.", "approved", language="de")
    queue(talk, {"de": "Bestellung {{1}} ist da.", "en": NEW}, language="de")
    send_messages()
    assert names(graph) == [("shipped", "en")]


def test_a_language_that_has_the_values_in_another_order_gets_them_so(talk, graph, at):
    template(talk, "{{1}} no {{2}} desu.", "approved", language="ja")
    message = queue(talk, {"ja": "{{2}} no {{1}} desu."}, language="ja")
    use = message.content["template"] | {"parameters": ["mug", "#1001"], "orders": {"ja": [2, 1]}}
    message.content = message.content | {"template": use}
    message.save()
    graph.script = [(500, {"error": {"message": "away", "code": 131000}})]
    for _ in range(2):  # the second time no other than the first
        send_messages()
        at.move(minutes=2)
    sent = [[part["text"] for part in call["template"]["components"][0]["parameters"]] for call in graph.calls]
    assert sent == [["#1001", "mug"]] * 2
    message.refresh_from_db()
    assert message.text == "#1001 no mug desu."


def test_words_of_another_category_are_other_words(talk, graph):
    template(talk, NEW, "approved", category="MARKETING", asked_category="MARKETING")
    message = queue(talk, {"en": NEW})
    send_messages()
    assert (state(message)[0], graph.calls) == ("suppressed", [])


def test_the_thread_the_list_and_the_search_show_what_the_phone_shows(talk, graph):
    template(talk, NEW, "approved", "shipped_abc")
    message = queue(talk, {"en": NEW})
    assert bubble(message)["choices"] == ["Yes"]
    send_messages()
    message.refresh_from_db()
    shown = bubble(message)
    assert shown["text"] == "Order #1001 has left our house, thank you."
    assert (shown["choices"], shown["link_title"]) == ([], "")
    assert "As an approved template" in message.detour
    talk.conversation.refresh_from_db()
    assert talk.conversation.last_text == "Order #1001 has left our house, thank you."
    talks = Conversation.objects.all()
    assert list(searched(talk.shop, talks, "house")) == [talk.conversation]
    assert list(searched(talk.shop, talks, "anything")) == []


def test_what_goes_freely_after_all_is_shown_with_its_own_words_and_taps(talk, graph, at):
    template(talk, NEW, "approved")
    message = queue(talk, {"en": NEW})
    graph.script = [(500, {"error": {"message": "away", "code": 131000}})]
    send_messages()
    assert bubble(Message.objects.get())["choices"] == []
    talk.point.last_inbound_at = clock.now()
    talk.point.save()
    at.move(minutes=2)
    send_messages()
    message.refresh_from_db()
    assert (message.status, message.text, message.detour) == ("sent", FREE, "")
    assert bubble(message)["choices"] == ["Yes"]
    assert graph.calls[-1]["type"] == "interactive"
