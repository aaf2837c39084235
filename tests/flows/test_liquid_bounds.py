"""No text of a merchant's can fill the memory, keep a worker busy, or raise anything but words for the merchant."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from post_purchase.flows.definition import load
from post_purchase.flows.sample import sample_answers, sample_facts, sample_values
from post_purchase.flows.shelf import library
from post_purchase.flows.wording import variables
from post_purchase.services.texts import MAX_TEMPLATE, TextError, _liquid, render

SECONDS = 2.0  # of this thread's own time: coverage and slow machines included
BYTES = 30_000_000
A_LOT = "a" * 1500


@contextmanager
def bounded() -> Iterator[None]:
    tracemalloc.start()
    started = time.thread_time()
    try:
        yield
        spent, (_, peak) = time.thread_time() - started, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert spent < SECONDS
    assert peak < BYTES


def fill(template: str) -> str:
    """The text, or the sentence for the merchant. Any other error ends the test."""
    try:
        return render(template, VALUES, language="en")
    except TextError as error:
        return f"refused: {str(error)[:500]}"


FACTS = sample_facts("en")
VALUES = variables(FACTS, sample_answers(FACTS, load(library()["photo_review"])), 1, {})
GROWS = "{% assign a = 9 %}" + "{% assign a = a | times: a %}" * 13 + "{{ a }}"
DOUBLES = f"{{% assign a = '{A_LOT}' %}}" + "{% assign a = a | append: a %}" * 60 + "{{ a }}"
LISTS = (
    f"{{% assign a = '{A_LOT}' | append: '{A_LOT}' | split: ',' %}}" + "{% assign a = a | concat: a %}" * 40 + "{{ a }}"
)
CHAINED = f"{{% assign a = '{A_LOT}' | split: ',' %}}{{{{ a" + " | concat: a" * 300 + " | join: '' | size }}"


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in (1..9999999999) reversed %}x{% endfor %}",
        "{% for a in (1..9999999999) limit: 3 %}x{% endfor %}",
        "{% if (1..99999999999) contains 5.5 %}x{% endif %}",
        "{% if (-99999999999..9) contains 5.5 %}x{% endif %}",
        "{% assign n = 99999999999 %}{% assign all = (1..n) %}{{ all | size }}",
        "{{ (1..99999999999999999999999999) | size }}",
        "{% case 5.5 %}{% when (1..99999999999) %}x{% endcase %}",
        GROWS,
        GROWS.replace("{{ a }}", "x"),
        DOUBLES,
        LISTS,
        CHAINED,
        "{{ '1e308' | times: 10 }}",
        "{{ 'inf' | ceil }}",
        "{{ 'nan' | round }}",
        "{{ '1e400' | floor }}",
        "{{ '1e300' | ceil }}",
        "{{ '1e5000' | money: 'EUR' }}",
        "{{ '-1e-5000' | number }}",
        "{{ " + "9" * 4000 + " | plus: 1 }}",
        "{% for a in (1..20) %}{% for b in (1..20) %}{% for c in (1..20) %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in (1..400) %}{% endfor %}" * 100,
        "{% for a in (1..20) %}" + "{% for b in (1..20) %}{% endfor %}" * 100 + "{% endfor %}",
        "{% tablerow a in (1..400) cols: 2 %}x{% endtablerow %}",
        "{% for a in (1..300) %}{% cycle 'x', 'y' %}{% endfor %}",
        "{% for a in (1..300) %}{% increment n %}{% endfor %}",
        "{% capture c %}{% for a in (1..400) %}" + "y" * 200 + "{% endfor %}{% endcapture %}",
        f"{{% for a in (1..400) %}}{{{{ '{'<' * 4000}' | strip_html }}}}{{% endfor %}}",
        "{% for a in (1..400) %}{{ (1..1000) | uniq | size }}{% endfor %}",
        "{% for a in (1..400) %}" + "{{ (1..1000) | reverse | sort | size }}" * 100 + "{% endfor %}",
        "{% if " + "a or " * 1190 + "a %}x{% endif %}" + "{% if " + "not " * 5 + "a %}{% endif %}",
        "{% if " + "(" * 2900 + "a" + ")" * 2900 + " %}x{% endif %}",
        "{% if a %}" * 300 + "{% endif %}" * 300,
        "{{ a" + "[a" * 1400 + "]" * 1400 + " }}",
        "{{ a" + ".b" * 2900 + " }}x{{ 1 | divided_by: 0 }}",
    ],
)
def test_what_costs_too_much_is_refused_with_words(template: str):
    assert len(template) <= MAX_TEMPLATE + 3000
    with bounded():
        answer = fill(template[:MAX_TEMPLATE])
    assert answer.startswith("refused: ")
    for foreign in ("Traceback", "Error", "object", "positional"):
        assert foreign not in answer


def test_rounds_of_all_loops_are_counted_together():
    loops = "{% for a in (1..20) %}{% for b in (1..20) %}{{ order.name }}{% endfor %}{% endfor %}"
    assert fill("{% for a in (1..20) %}{% for b in (1..20) %}{{ a }}{% endfor %}{% endfor %}") != ""
    assert fill(loops * 3).count("#1001") == 1200
    assert fill(loops.replace("{{ order.name }}", "") * 20).startswith("refused: The text takes too long")


def test_ordinary_texts_of_some_length_are_well_inside():
    items = "{% for item in order.items %}{{ item.quantity }} × {{ item.title | upcase | truncate: 40 }}\n{% endfor %}"
    assert fill(items * 40).count("2 × STONEWARE MUG") == 40
    assert fill("{% for n in (1..5) reversed %}{{ n }}{% endfor %}{% if (1..9) contains 5 %}!{% endif %}") == "54321!"
    assert fill("{{ 1000000 | times: 1000000 | divided_by: 7 }} {{ 0.1 | plus: 0.2 }}") == "142857142857 0.3"


@pytest.mark.parametrize(("key", "raw"), library().items())
def test_every_text_of_the_library_uses_a_tenth_of_its_allowance(key, raw, monkeypatch):
    monkeypatch.setattr("post_purchase.services.liquid_bounds.MAX_WORK", 5_000)
    document = load(raw)
    for language, spoken in document.texts.items():
        values = sample_values(document, language)
        for wording in spoken.messages.values():
            assert render(wording.text, values, language=language)


NAMES = st.sampled_from(["order", "order.items", "order.total", "parcels", "a", "b", "contact.first_name", "nothing"])
VALUE = st.one_of(
    NAMES,
    st.integers(-(10**12), 10**12).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.text(st.characters(blacklist_characters="'", blacklist_categories=["Cs"]), max_size=20).map(lambda x: f"'{x}'"),
    st.sampled_from(["'" + "<" * 400 + "'", "'" + "a," * 300 + "'", "empty", "blank", "nil", "true"]),
    st.builds(lambda low, high: f"({low}..{high})", NAMES | st.integers(-9, 10**12).map(str), st.integers(-9, 10**12)),
)
FILTERS = sorted({*_liquid.filters, "date", "nope"})
FILTER = st.builds(
    lambda name, values: f" | {name}" + (": " if values else "") + ", ".join(values),
    st.sampled_from(FILTERS),
    st.lists(VALUE, max_size=2),
)
EXPRESSION = st.builds(lambda value, filters: value + "".join(filters), VALUE, st.lists(FILTER, max_size=5))
COMPARED = st.builds(
    lambda left, sign, right: f"{left} {sign} {right}", VALUE, st.sampled_from(["==", "<", ">=", "contains"]), VALUE
)
PLAIN = st.text(max_size=15) | st.sampled_from(["{% break %}", "{% continue %}", "{% else %}", "{{", "%}", "{%"])


def _parts(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    many = st.lists(inner, max_size=3).map("".join)
    return st.one_of(
        st.builds(lambda a, how, body: f"{{% for a in {a}{how} %}}{body}{{% endfor %}}", VALUE, st.sampled_from(
            ["", " reversed", " limit: 3", " offset: 2 reversed", " limit: b", " offset: continue"]
        ), many),
        st.builds(lambda test, body: f"{{% if {test} %}}{body}{{% endif %}}", COMPARED, many),
        st.builds(lambda body: f"{{% capture b %}}{body}{{% endcapture %}}", many),
        st.builds(lambda a, b, body: f"{{% case {a} %}}{{% when {b} %}}{body}{{% endcase %}}", VALUE, VALUE, many),
    )  # fmt: skip


TEMPLATE = st.lists(
    st.recursive(
        PLAIN
        | EXPRESSION.map(lambda e: f"{{{{ {e} }}}}")
        | st.builds(lambda name, e: f"{{% assign {name} = {e} %}}", st.sampled_from(["a", "b"]), EXPRESSION),
        _parts,
        max_leaves=12,
    ),
    max_size=6,
).map("".join)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(template=TEMPLATE)
def test_whatever_is_written_ends_soon_and_in_little_memory(template: str):
    with bounded():
        assert len(fill(template)) < 10_000
