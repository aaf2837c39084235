"""What is different between two versions, in words: nothing that changes is hidden, and no formula is shown raw."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from post_purchase.flows import shelf
from post_purchase.flows.diffing import differences
from post_purchase.flows.rewording import from_to

NAMES = {"en": "English"}


def told(old: dict[str, Any], new: dict[str, Any]) -> dict[str, list[str]]:
    return {change.where: [*map(str, change.lines)] for change in differences(old, new, NAMES)}


def branch(*cases: tuple[dict[str, Any], str | None]) -> dict[str, Any]:
    steps = {"big": {"kind": "branch", "cases": [{"if": rule, "goto": goto} for rule, goto in cases]}}
    return {"steps": steps | {"thanks": {"kind": "tag", "tag": "a"}, "gift": {"kind": "tag", "tag": "b"}}}


PAID, RICH = {"fact": "order.paid", "equals": True}, {"fact": "order.total", "at_least": 50}


def test_a_change_at_the_end_of_a_long_text_is_shown_with_the_words_around_it():
    start = "Thank you so much for the lovely photo, and for all that you wrote about the mug. " * 3
    line = from_to("Thanks", f"{start}The code is valid for 30 days.", f"{start}The code is valid for 3 days.")
    assert str(line) == "Thanks: …mug. The code is valid for [-30-] [+3+] days."


def test_two_changes_far_apart_leave_out_what_stays_between():
    between = "word " * 40
    line = str(from_to("Text", f"Dear one, {between}end of it all", f"Dear two, {between}end of it now"))
    assert line == f"Text: Dear [-one-] [+two+], {'word ' * 5}word… …{'word ' * 3}end of it [-all-] [+now+]"


def test_words_of_a_language_without_blanks_are_compared_by_letters():
    before = "ご注文ありがとうございます。商品は三日以内にお届けいたします。" + "いつでもご連絡ください。" * 4
    line = str(from_to("", before, before.replace("三日", "五日")))
    assert "[-三-] [+五+]日以内" in line


def test_quite_another_text_is_shown_whole_beside_the_old_one():
    before, after = "a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5", "Good morning to you, " * 4
    assert str(from_to("", before, after)) == f"[-{before}-] [+{after.strip()}+]"


def test_formulas_read_as_in_the_editor_and_their_conditions_where_these_change():
    greeting = "{% if contact.first_name %}Hi {{ contact.first_name }}! {% endif %}"
    assert str(from_to("", greeting + "Thanks", greeting + "Thank you")) == (
        "“Hi [first name]! Thanks” became “Hi [first name]! Thank you”"
    )
    assert str(from_to("", greeting + "Thanks", "Thanks")) == (
        "“[if first name]Hi [first name]! [end]Thanks” became “Thanks”"
    )
    assert str(from_to("", "{{ order.total }}", "{{ order.total | money: order.currency }}")) == (
        "“[total]” became “[total, money: currency]”"
    )


def test_the_rule_of_a_branch_is_told_from_what_to_what():
    assert told(branch((RICH, "thanks")), branch(({**RICH, "at_least": 500}, "thanks"))) == {
        "Big": ["A way: “If the order's total is at least 50” became “If the order's total is at least 500”"]
    }


def test_a_way_that_is_new_gone_or_leads_elsewhere_is_told_by_its_rule():
    assert told(branch((RICH, "thanks")), branch((PAID, "gift"), (RICH, "thanks"))) == {
        "Big": ["New way: If the order is paid, to “Gift”"]
    }
    assert told(branch((PAID, "gift"), (RICH, "thanks")), branch((RICH, "gift"))) == {
        "Big": [
            "Way taken out: If the order is paid",
            "If the order's total is at least 50: goes to “Gift”, before: “Thanks”",
        ]
    }
    assert told(branch((PAID, "gift"), (RICH, "thanks")), branch((RICH, "thanks"), (PAID, "gift"))) == {
        "Big": ["Its ways are tried in another order: If the order's total is at least 50; If the order is paid"]
    }


def test_purpose_time_link_and_template_of_a_message_are_told_one_by_one():
    old = {"messages": {"shipped": {"purpose": "utility", "useful_for": "P2D"}}}
    spec = {
        "purpose": "marketing", "useful_for": "PT6H", "url": "{{ parcel.tracking_url }}",
        "template": {"name": "on_its_way", "category": "UTILITY", "parameters": []},
    }  # fmt: skip
    assert told(old, {"messages": {"shipped": spec}}) == {
        "How messages go out": [
            "Shipped, purpose: “Order update” became “Offer”",
            "Shipped, not sent later than: “2 days” became “6 hours”",
            "Shipped, link: now “[tracking url]”",
            "Shipped, WhatsApp template: now “on_its_way”",
            "Shipped, category at Meta: now “Utility”",
        ]
    }


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value stands that could be another one."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    elif path[0] not in ("schema", "key") and (path[0] != "texts" or path[1] == "en"):
        yield path


def another(document: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    new = deepcopy(document)
    place: Any = new
    for key in path[:-1]:
        place = place[key]
    value = place[path[-1]]
    place[path[-1]] = not value if isinstance(value, bool) else f"{value or ''}x" if not isinstance(value, int) else 777
    return new


@pytest.mark.parametrize("key", sorted(shelf.library()))
def test_no_change_anywhere_in_a_ready_made_flow_is_hidden(key):
    document = shelf.library()[key]
    for path in leaves(document):
        if path[-1] == "kind":
            continue  # another kind of step is told as such
        lines = [str(line) for change in differences(document, another(document, path), NAMES) for line in change.lines]
        assert lines, path
        assert not [line for line in lines if "{%" in line or "{{" in line], path
