"""Each ready-made flow, journey by journey: exact words, exact hours, on each network, and what else was done."""

import pytest

from post_purchase.flows import shelf

from .golden import player

JOURNEYS = [(flow, journey) for flow in player.FLOWS for journey in player.load(flow)]
IDS = [f"{flow}: {journey['name']}" for flow, journey in JOURNEYS]


def test_every_flow_of_the_library_has_journeys():
    assert set(shelf.library()) == set(player.FLOWS)


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
