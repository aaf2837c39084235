"""A flow made in the editor, through rows, jobs and a network: an offer reaches nobody who has not said yes."""

import pytest

from post_purchase.flows import drafts, editing, languages, message_rules
from post_purchase.flows.definition import DocumentError
from post_purchase.jobs.messages import send_messages
from post_purchase.models import Flow, Message
from post_purchase.services.consent import record_consent
from post_purchase.web.pages.flow_files import scratch
from post_purchase.words import EventKind
from shopapp.lib import clock
from tests.factories import make_channel
from tests.network import small_graph

from .test_runs import NOW, World

pytestmark = pytest.mark.django_db
SALE = "Only this weekend: 30% off everything! Buy now with the code SALE30."


@pytest.fixture
def at():
    with clock.frozen(NOW) as moment:
        yield moment


@pytest.fixture
def graph(settings):
    with small_graph() as network:
        settings.META_GRAPH_ORIGIN = network.origin
        yield network


def own(world: World, text: str) -> Flow:
    document = scratch("Weekend", "order_delivered")
    document["texts"]["en"]["messages"]["hello"]["text"] = text
    return editing.add_flow(world.shop, document)


def arrives(world: World) -> Message:
    make_channel(world.shop)
    world.point.last_inbound_at = clock.now()
    world.point.save()
    world.deliver()
    world.tell(EventKind.ORDER_DELIVERED)
    send_messages()
    return Message.objects.get(run__flow__key="weekend")


def test_an_offer_goes_neither_as_news_nor_without_a_yes(at, graph):
    world = World()
    flow = own(world, SALE)
    with pytest.raises(DocumentError):
        editing.switch_on(flow)
    drafts.change(flow, lambda raw: message_rules.set_purpose(raw, "hello", "marketing"), user="42", what="Made it one")
    flow.refresh_from_db()
    editing.switch_on(flow)
    message = arrives(world)
    assert (message.purpose, message.status) == ("marketing", "suppressed")
    assert message.reason == "The shopper has not agreed to this on WhatsApp: offer"
    assert SALE not in graph.texts


def test_with_a_yes_the_same_offer_goes(at, graph):
    world = World()
    flow = own(world, SALE)
    drafts.change(flow, lambda raw: message_rules.set_purpose(raw, "hello", "marketing"), user="42", what="Made it one")
    flow.refresh_from_db()
    editing.switch_on(flow)
    record_consent(point=world.point, purpose="marketing", state="granted", method="chat_button", dedupe_key="offers")
    message = arrives(world)
    assert message.reason == "Held until 13:20 in Berlin: a pause after the last message"
    at.move(hours=5)
    send_messages()
    assert SALE in graph.texts


def test_words_that_are_not_translated_go_out_in_the_language_of_the_original(at, graph):
    world = World()
    world.order.language = "de"
    world.order.save()
    flow = own(world, "Hello! Your order has arrived.")
    drafts.change(flow, lambda raw: languages.add_language(raw, "de", "en"), user="42", what="Added")
    flow.refresh_from_db()
    editing.switch_on(flow)
    message = arrives(world)
    assert (message.content["text"], message.content["language"]) == ("Hello! Your order has arrived.", "en")
