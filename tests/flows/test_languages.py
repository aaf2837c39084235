"""Which languages a flow lacks; the rest stands in tests/pages/test_flow_messages.py."""

from post_purchase.flows.languages import copies, lacking, still_open

RAW = {"texts": {"en": {"messages": {"hi": {"text": "Hi"}}}, "pt-BR": {"messages": {"hi": {"text": "Oi"}}}}}


def test_a_language_counts_by_its_base_and_from_two_shoppers_in_a_hundred():
    assert lacking(RAW, ["en", "pt"], ["pt-PT"] * 50 + ["en-GB"] * 49 + ["sv"]) == []
    assert lacking(RAW, ["fr"], []) == ["fr"]
    assert lacking(RAW, [], ["de-AT"] * 2 + ["de"] * 4 + ["en"] * 94 + ["", ""]) == ["de"]
    assert lacking(RAW, [], ["sv"] * 2 + ["en"] * 98) == ["sv"]
    assert lacking(RAW, [], ["sv"] * 2 + ["en"] * 148) == []


def test_nothing_breaks_it():
    for broken in ({}, {"texts": None}, {"texts": {"en": None}}, {"texts": {"en": {"messages": {"hi": 3}}}}):
        assert copies(broken, "hi") == {}
    assert still_open({"texts": {"en": None}, "steps": {"a": {"kind": "send", "message": "hi"}}}, "en") == (1, 1)
