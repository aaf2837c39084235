"""How a conversation is read: few queries, and what stands beside it in a part of its own."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from post_purchase.channels.base import OutMessage
from post_purchase.models import FlowRun
from post_purchase.services.control_links import make_link
from post_purchase.services.messages import queue_message
from post_purchase.words import Author, Purpose
from tests.pages import polaris_lint
from tests.pages.seed import NASTY, seed


def queries_of(owner, path):
    with CaptureQueriesContext(connection) as queries:
        response = owner.get(path)
    assert response.status_code == 200
    return len(queries), response.content.decode()


def test_a_talk_that_is_read_again_costs_fourteen_queries_and_what_stands_beside_twelve(owner, shop):
    rows = seed(shop)
    path = f"/app/conversations/{rows.conversation.pk}"
    rows.action.delete()
    owner.get(path)
    count, html = queries_of(owner, path)
    assert count <= 14
    assert f'data-part="{path}/beside"' in html
    count, beside = queries_of(owner, f"{path}/beside")
    assert count <= 12
    assert NASTY not in beside
    for words in (
        f"Order {rows.order.name}",
        "Order update: yes",
        "Photo review with a reward",
        "Linen apron",
        "Language",
    ):
        assert words in beside
    run = FlowRun.objects.get()
    assert f"{path}/runs/{run.pk}/pause" in beside
    assert polaris_lint.problems(f"<!doctype html><html><body>{beside}</body></html>") == []
    assert owner.post(f"{path}/runs/{run.pk}/pause").status_code == 200
    assert f"{path}/runs/{run.pk}/resume" in owner.get(f"{path}/beside").content.decode()
    assert owner.post(f"{path}/runs/{run.pk}/pause").status_code == 422
    assert owner.post(f"{path}/runs/{run.pk}/resume").status_code == 200


def test_the_key_to_a_shoppers_own_page_is_not_the_teams(owner, shop):
    rows = seed(shop)
    link = make_link(rows.conversation.contact.points.first())
    message = queue_message(
        conversation=rows.conversation,
        content=OutMessage(text=f"Your page: {link} (for a day)"),
        purpose=Purpose.SERVICE,
        author=Author.ANSWER,
        dedupe_key="my-page",
    )
    assert link in message.text  # what the shopper gets
    for page in ("/app/conversations", f"/app/conversations/{rows.conversation.pk}"):
        html = owner.get(page).content.decode()
        assert "Your page: " in html
        assert "/my#…" in html
        assert link.rpartition("#")[2] not in html
