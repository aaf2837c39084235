"""How a conversation is read: few queries, and what stands beside it in a part of its own."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from post_purchase.models import FlowRun
from tests.pages import polaris_lint
from tests.pages.seed import NASTY, seed


def queries_of(owner, path):
    with CaptureQueriesContext(connection) as queries:
        response = owner.get(path)
    assert response.status_code == 200
    return len(queries), response.content.decode()


def test_a_talk_that_is_read_again_costs_thirteen_queries_and_what_stands_beside_twelve(owner, shop):
    rows = seed(shop)
    path = f"/app/conversations/{rows.conversation.pk}"
    rows.action.delete()
    owner.get(path)
    count, html = queries_of(owner, path)
    assert count <= 13
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
