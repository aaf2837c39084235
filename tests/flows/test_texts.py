import re
from functools import lru_cache
from pathlib import Path

import pytest

from post_purchase.flows import shelf
from post_purchase.flows.sample import text_problems
from post_purchase.services.phrases import load
from post_purchase.services.texts import MAX_TEMPLATE, TextError, problems, render
from shopapp.lib import data_file

LIBRARY = Path(__file__).resolve().parents[2] / "post_purchase" / "flows" / "library"
PAGES = LIBRARY.parents[1] / "touchpoints" / "data"
STORE = LIBRARY.parents[2] / "extensions" / "shared" / "locales"
MOMENT = {"at": "2026-03-03T23:30:00+00:00"}


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "€1,249.50 | Wed, Mar 4 | a, b, and c"),
        ("de", "1.249,50\u00a0€ | Mi., 4. März | a, b und c"),
        ("fr", "1\u202f249,50\u00a0€ | mer. 4 mars | a, b et c"),
        ("ja", "€1,249.50 | 3月4日水曜日 | a、b、c"),
        ("xx", "€1,249.50 | Wed, Mar 4 | a, b, and c"),
    ],
)
def test_values_are_written_as_the_reader_writes_them(language, written):
    text = "{{ 1249.5 | money: 'EUR' }} | {{ at | day }} | {{ items | listed }}"
    values = MOMENT | {"items": ["a", "b", "c"]}
    assert render(text, values, language=language, timezone="Europe/Berlin") == written


def test_a_day_is_the_shoppers_day():
    assert render("{{ at | day }}", MOMENT, language="en", timezone="America/Los_Angeles") == "Tue, Mar 3"


@pytest.mark.parametrize(
    "text",
    [
        "{% include 'settings.py' %}",
        "{% render 'x' %}",
        "{% for i in (1..100000) %}x{% endfor %}",
        "{% for i in (1..300) %}" + "x" * 100 + "{% endfor %}",
        "{{ name | unknown }}",
        "{{ 'now' | date: '%Y' }}",
        "{{ '1e9999999' | number }}",
        "{{ '1e9999999' | money: 'EUR' }}",
        "{{ (1..30000000) | join: '' }}",
        "{% assign all = (1..30000000) | reverse %}",
        "{{ '" + "a" * 1500 + "' | replace: 'a', '" + "b" * 1500 + "' | replace: 'b', '" + "c" * 1500 + "' }}",
        "{{ '" + "a" * 1500 + "' | replace: '', '" + "b" * 1500 + "' }}",
        "{{ '" + "a," * 1500 + "' | split: ',' | join: '" + "b" * 1500 + "' }}",
        "{{ open",
        "{% if %}",
        "x" * (MAX_TEMPLATE + 1),
    ],
)
def test_the_sandbox_refuses_with_words(text):
    with pytest.raises(TextError) as error:
        render(text, {}, language="en")
    assert str(error.value)


def test_filters_within_their_bounds_work_as_ever():
    text = "{{ 'a-b' | replace: '-', '+' }} {{ items | join: ', ' }} {{ items | sort | first }} {{ 3 | times: 4 }}"
    text += " {{ rows | map: 'name' | join: '/' }} {{ nothing | default: 'x' | upcase }} {{ (1..3) | join }}"
    values = {"items": ["c", "b"], "rows": [{"name": "k"}, {"name": "m"}]}
    assert render(text, values, language="en") == "a+b c, b b 12 k/m X 1 2 3"


def test_objects_of_python_cannot_be_reached():
    assert (
        render("{{ shop.__class__ }}{{ shop.keys }}{{ items.__init__ }}", {"shop": {}, "items": []}, language="en")
        == ""
    )


def test_a_missing_value_is_its_fallback_or_named():
    missing: list[str] = []
    text = render(
        "Hi {{ first_name }}, {{ city }}", {}, language="en", fallbacks={"first_name": "you"}, missing=missing
    )
    assert (text, missing) == ("Hi you,", ["city"])


def test_problems_are_named_before_use():
    assert problems("Hi {{ name }}") == []
    assert problems("{% for x in y %}\nHi") == ["{% for %} is not closed: write {% endfor %} after it"]


@pytest.mark.parametrize(
    ("language", "familiar"),
    [
        ("de", "du dir dich dein deine deiner deinem deinen"),
        ("es", "tu te ti tus tú tienes quieres quieras puedes escríbenos"),
        ("fr", "tu te toi ton ta tes"),
        ("it", "suo sua suoi sue scriva risponda invii mandi riprovi chieda controlli bentornato"),
        ("nl", "je jij jou jouw jullie"),
        ("pt-BR", "tu te ti teu tua teus tuas contigo vós vosso senhor senhora"),
        ("pl", "pan pani panu panią państwo państwa państwu wy was wam wasz wasze"),
        ("sv", "ni er ert era eder"),
        ("tr", "sen seni sana senin sende senden seninle yaz söyle gönder bekle tıkla seç cevapla dene istersen misin"),
    ],
)
def test_flows_and_answers_speak_to_one_shopper_in_one_manner(language, familiar):
    """Flows and automatic answers stand in the same chat, which the pages lead to.

    Formal; in Italian, Polish and Swedish familiar. The pages know no Turkish.
    """
    texts = [path.read_text("utf-8") for path in LIBRARY.glob(f"texts/*/{language}.yaml")]
    base = language.split("-")[0]
    texts += [str(each[base]) for name in ("phrases", "photo_answers") for each in load(name).values()]
    texts += [str(load("where")[base])]
    if language != "tr":
        for name in ("chat_texts", "email_texts", "public_texts"):
            page = data_file.read(PAGES / f"{name}.yaml")
            texts.append(" ".join(str(each) for each in page[base].values()))
        texts.append((STORE / f"{language}.json").read_text("utf-8"))
    assert len(texts) > 10
    for text in texts:
        words = set(re.findall(r"\w+", re.sub(r"\{[{%].*?[%}]\}", "", text).lower()))
        assert words & set(familiar.split()) == set()


MUST_SPEAK = ["ar", "de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt-BR", "sv", "tr"]
_VALUES = re.compile(r"\{\{.*?\}\}")


def _keys(tree: dict, at: str = "") -> set[str]:
    found = set()
    for key, value in tree.items():
        found |= {f"{at}{key}"} | (_keys(value, f"{at}{key}.") if isinstance(value, dict) else set())
    return found


@lru_cache
def _spoken(flow: str, language: str) -> dict:
    path = LIBRARY / "texts" / flow / f"{language}.yaml"
    return data_file.read(path) if path.is_file() else {}


@pytest.mark.parametrize("language", MUST_SPEAK)
def test_every_ready_made_flow_says_all_of_it_in_every_language(language):
    flows = sorted(path.stem for path in LIBRARY.glob("*.yaml"))
    assert flows
    differ = {flow: sorted(_keys(_spoken(flow, "en")) ^ _keys(_spoken(flow, language))) for flow in flows}
    missing = [flow for flow in flows if not _spoken(flow, language)]
    assert {flow: keys for flow, keys in differ.items() if keys and flow not in missing} == {}
    assert missing == []


@pytest.mark.parametrize("language", [each for each in MUST_SPEAK if each != "en"])
def test_no_translation_loses_or_makes_up_a_value_and_no_tap_is_cut(language):
    wrong = []
    for flow in sorted(path.stem for path in LIBRARY.glob("*.yaml")):
        for name, english in _spoken(flow, "en")["messages"].items():
            said = _spoken(flow, language).get("messages", {}).get(name, {})
            for field in {"subject", "text", "template"} & set(said):
                if set(_VALUES.findall(said[field])) != set(_VALUES.findall(english.get(field, ""))):
                    wrong.append(f"{flow}.{name}.{field}")
            wrong += [f"{flow}.{name}: {title}" for title in said.get("choices", {}).values() if len(str(title)) > 20]
    assert wrong == []


def test_a_value_that_is_not_there_is_not_true():
    text = (
        "{% if contact.taste %}likes {{ contact.taste }}{% else %}no taste{% endif %}{% unless none %}!{% endunless %}"
    )
    assert render(text, {"contact": {}}, language="en") == "no taste!"
    assert render(text, {"contact": {"taste": "mint"}, "none": "x"}, language="en") == "likes mint"


@pytest.mark.parametrize("flow", shelf.library())
def test_every_ready_made_flow_can_be_filled_in(flow):
    assert shelf.is_ready_made(shelf.library()[flow])
    assert text_problems(shelf.ready_made(flow)) == []
    edited = shelf.library()[flow]
    edited["name"] += "!"
    assert not shelf.is_ready_made(edited)


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("Prévu le {{ day }}.", "Prévu le dim. 29 nov."),
        ("Prévu le {{ day }}. Merci.", "Prévu le dim. 29 nov. Merci."),
        ("Wait... {{ day }}", "Wait... dim. 29 nov."),
        ("See ../x and {{ day }}…", "See ../x and dim. 29 nov.…"),
    ],
)
def test_a_value_that_ends_with_a_full_stop_ends_the_sentence(template, told):
    assert render(template, {"day": "dim. 29 nov."}, language="fr") == told
