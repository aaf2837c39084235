"""The inbox's lists and its search."""

from datetime import timedelta

import pytest
from django.db import connection

from post_purchase.flows.editing import install_library, switch_on
from post_purchase.models import WORD_INDEXES, Contact, Conversation, FlowRun, Member, Message, Product, Unread
from post_purchase.services import inbox
from shopapp.lib import clock, fulltext
from tests import factories


def talk(shop, name, *, minutes=0, **fields):
    contact = factories.make_contact(shop, first_name=name, last_name="", language=fields.pop("language", "en"))
    at = clock.now() - timedelta(minutes=minutes)
    return factories.make_conversation(contact, last_message_at=at, last_text=f"I am {name}", **fields)


@pytest.fixture
def member(shop):
    return Member.objects.create(shop=shop, user_id="42", name="Ana", role="owner", joined_at=clock.now())


def names(shop, member, **wanted):
    return [row.contact.first_name for row in inbox.find(shop=shop, member=member, wanted=inbox.Wanted(**wanted)).rows]


def test_each_list_shows_its_own(shop, member):
    now = clock.now()
    talk(shop, "Auto")
    talk(shop, "Team", minutes=1, state="team", assignee="42")
    talk(shop, "Shopper", minutes=2, state="shopper", assignee="7")
    talk(shop, "Snoozed", minutes=3, state="snoozed", snoozed_until=now + timedelta(hours=1))
    talk(shop, "Closed", minutes=4, state="closed", closed_at=now, assignee="42")
    talk(factories.make_shop("other.myshopify.com"), "Foreign", state="team", assignee="42")
    Unread.objects.create(
        member=member, conversation=Conversation.objects.get(contact__first_name="Auto"), since_at=now
    )
    lists = {tab: names(shop, member, tab=tab) for tab in inbox.TABS}
    assert lists == {
        "open": ["Auto", "Team", "Shopper", "Snoozed"],
        "unread": ["Auto"],
        "mine": ["Team"],
        "team": ["Team"],
        "shopper": ["Shopper"],
        "snoozed": ["Snoozed"],
        "closed": ["Closed"],
    }
    assert inbox.counts(shop=shop, member=member) == {"unread": 1, "mine": 1, "team": 1}


def test_older_ones_follow_without_a_gap_though_many_have_one_time(shop, member):
    for number in range(60):
        talk(shop, f"N{number}", minutes=number // 40)
    seen, before = [], None
    for _ in range(4):
        found = inbox.find(shop=shop, member=member, wanted=inbox.Wanted(before=before))
        seen += [row.pk for row in found.rows]
        if found.more is None:
            break
        before = (found.more.last_message_at, found.more.pk)
    assert len(seen) == len(set(seen)) == 60


def test_words_names_and_order_numbers_are_found_by_their_beginnings(shop, member):
    maria = talk(shop, "Maria")
    jörg = talk(shop, "Jörg", minutes=1)
    order = factories.make_order(shop, jörg.contact, name="#20417")
    factories.make_message(maria, "My Stoneware mug arrived BROKEN", direction="in")
    foreign = talk(factories.make_shop("other.myshopify.com"), "Maria")
    factories.make_message(foreign, "broken as well", direction="in")
    found = {
        search: names(shop, member, search=search)
        for search in ("broken", "stonew mug", "brok arrived", "roken", "mari", "Jörg", "#20417", "204", "0417")
    }
    assert found == {
        "broken": ["Maria"],
        "stonew mug": ["Maria"],
        "brok arrived": ["Maria"],
        "roken": [],
        "mari": ["Maria"],
        "Jörg": ["Jörg"],
        "#20417": ["Jörg"],
        "204": ["Jörg"],
        "0417": [],
    }
    assert order.name == "#20417"


def test_words_without_blanks_between_them_are_found_anywhere(shop, member):
    factories.make_message(talk(shop, "Aoi"), "先日注文した商品の返品について、Mサイズです。", direction="in")
    factories.make_message(talk(shop, "Ren", minutes=1), "配送はいつですか？品物を返した", direction="in")
    searches = ("返品", "返品 注文", "返", "Mサイズ", "mサイ", "品返", "配送", "について", "サイズm", "返品 kettle")
    assert {search: names(shop, member, search=search) for search in searches} == {
        "返品": ["Aoi"],
        "返品 注文": ["Aoi"],
        "返": ["Aoi", "Ren"],
        "Mサイズ": ["Aoi"],
        "mサイ": ["Aoi"],
        "品返": [],
        "配送": ["Ren"],
        "について": ["Aoi"],
        "サイズm": [],
        "返品 kettle": [],
    }


@pytest.mark.parametrize("search", ['"', "*", "a OR b", "NEAR(", "x' --", ":*", "&|!", "\u202e", "-", '" OR text:'])
def test_what_is_typed_is_never_an_operator(shop, member, search):
    talk(shop, "Maria")
    assert names(shop, member, search=search) == []


def test_changed_and_erased_words_are_not_found_any_more(shop, member):
    row = talk(shop, "Maria")
    message = factories.make_message(row, "a secret teapot", direction="in")
    Message.objects.filter(pk=message.pk).update(text="")
    Contact.objects.filter(pk=row.contact_id).update(first_name="Erased")
    assert names(shop, member, search="teapot") == names(shop, member, search="maria") == []
    assert names(shop, member, search="erased") == ["Erased"]
    Message.objects.filter(pk=message.pk).update(text="a green kettle")
    assert names(shop, member, search="kettle") == ["Erased"]
    message.delete()
    assert names(shop, member, search="kettle") == []


def test_the_word_indexes_can_be_made_again_and_hold_what_was_there_before(shop, member):
    factories.make_message(talk(shop, "Maria"), "an old teapot", direction="in")
    for index in WORD_INDEXES:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the rows above are of this transaction
                cursor.execute(f"DROP INDEX {index.name}")
            else:
                for trigger in ("add", "take", "change"):
                    cursor.execute(f"DROP TRIGGER {index.name}_{trigger}")
                cursor.execute(f"DROP TABLE {index.name}")
        fulltext.make(index)
        fulltext.make(index)
    assert names(shop, member, search="teapot") == names(shop, member, search="mari") == ["Maria"]


def test_filters_by_channel_language_flow_and_product(shop, member):
    maria, paul = talk(shop, "Maria", language="pt-BR"), talk(shop, "Paul", minutes=1)
    factories.make_point(maria.contact)
    factories.make_order(shop, maria.contact, lines=1)
    Product.objects.create(shop=shop, shopify_id=700, title="Stoneware mug", shopify_updated_at=clock.now())
    flow = next(one for one in install_library(shop) if one.key == "photo_review")
    switch_on(flow, "42")
    flow.refresh_from_db()
    FlowRun.objects.create(
        shop=shop,
        flow=flow,
        version=flow.live_version,
        subject_key="x",
        contact=paul.contact,
        started_at=clock.now(),
    )
    assert names(shop, member, channel="whatsapp") == ["Maria"]
    assert names(shop, member, channel="telegram") == []
    assert names(shop, member, language="pt") == ["Maria"]
    assert names(shop, member, flow=flow.pk) == ["Paul"]
    assert names(shop, member, product="mug") == ["Maria"]
    assert names(shop, member, product="nothing") == []


def test_an_address_that_makes_no_sense_shows_the_list(owner, shop, member):
    talk(shop, "Maria")
    for query in (
        "view=nonsense",
        "before=x_1",
        "before=2026-99-99T00:00_1",
        "flow=abc",
        "language=%27",
        "channel=fax",
    ):
        assert "Maria" in owner.get(f"/app/conversations?{query}").content.decode()
