"""Each ready-made flow, journey by journey: exact words, exact hours, on each network, and what else was done."""

from collections import defaultdict

import pytest

from post_purchase.flows import shelf
from post_purchase.services.texts import is_rtl

from .golden import player

JOURNEYS = [(flow, journey) for flow in player.FLOWS for journey in player.load(flow)]
IDS = [f"{flow}: {journey['name']}" for flow, journey in JOURNEYS]


def test_every_flow_of_the_library_has_journeys():
    assert set(shelf.library()) == set(player.FLOWS)


def test_every_flow_is_played_in_english_in_another_language_and_from_right_to_left():
    spoken = defaultdict(set)
    for flow, journey in JOURNEYS:
        if journey["said"]:
            spoken[flow].add(journey.get("language", "en"))
    assert set().union(*spoken.values()) == set(shelf.ready_made("check_in").texts)
    for flow in player.FLOWS:
        assert "en" in spoken[flow]
        assert any(is_rtl(language) for language in spoken[flow]), flow
        assert len(spoken[flow]) > 2, flow


def test_the_journeys_meet_what_holds_a_message():
    held = [each["why"] for _, journey in JOURNEYS for each in journey["said"] if "goes" in each]
    for rule in ("quiet hours", "writing just now", "in a day already", "in seven days already", "on a Sunday"):
        assert any(rule in why for why in held), rule


@pytest.mark.parametrize(("flow", "journey"), JOURNEYS, ids=IDS)
def test_journey(flow, journey):
    recorded = {name: journey[name] for name in ("said", "did", "ends")}
    assert player.outcome(player.play(flow, journey)) == recorded


@pytest.mark.parametrize(
    ("flow", "journey"), [each for each in JOURNEYS if any("tap" in what for what in each[1].get("then", []))]
)
def test_a_number_that_is_typed_is_as_good_as_a_tap(flow, journey):
    """As on SMS and e-mail, where nothing can be tapped."""
    assert player.outcome(player.play(flow, journey, typed=True)) == {
        name: journey[name] for name in ("said", "did", "ends")
    }
