"""A flow as a file and back; and what a broken file is told."""

import pytest

from post_purchase.flows import files, shelf
from post_purchase.flows.definition import DocumentError


@pytest.mark.parametrize("key", shelf.library())
def test_every_library_flow_comes_back_as_it_was(key):
    document = shelf.library()[key]
    assert files.read(files.write(document)) == document


def test_one_changed_word_changes_one_line():
    document = shelf.library()["photo_review"]
    before = files.write(document).splitlines()
    document["steps"]["use_time"]["for"] = "P9D"
    after = files.write(document).splitlines()
    assert [(old, new) for old, new in zip(before, after, strict=True) if old != new] == [
        ("    for: P7D", "    for: P9D")
    ]
    reordered = {name: document[name] for name in reversed(list(document))}
    assert files.write(reordered).splitlines() == after


def test_texts_of_several_lines_stand_as_they_are_read():
    written = files.write({"texts": {"en": {"messages": {"a": {"text": "One\nTwo"}}}}})
    assert "        text: |-\n          One\n          Two\n" in written


GOOD = """key: care
name: Care
trigger: {news: [order_paid]}
start: a
steps:
  a: {kind: tag, tag: x}
texts: {en: {}}
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("key: [", "line 1: "),
        ("- a", "line 1: This is not a flow"),
        ("", "line 1: This is not a flow"),
        (GOOD.replace("start: a", "start: b"), "line 4, start: there is no step 'b'"),
        (GOOD.replace("tag: x}", "tag: x, colour: red}"), "line 6, steps.a.colour: there is no such setting"),
        (GOOD.replace("kind: tag", "kind: magic"), "line 6, steps.a: unknown kind of step 'magic'"),
        ("a: &x [1]\nb: *x", "may not use anchors"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("[" * 900_000, "too deeply"),
        ("".join(f"{' ' * depth}a:\n" for depth in range(500)), "too deeply"),
        ("a: " + "x" * files.MAX_FILE, "larger than 1 MB"),
        ("a: \x00", "special characters are not allowed"),
    ],
)
def test_a_broken_file_is_refused_and_says_where(text, told):
    with pytest.raises(DocumentError) as error:
        files.read(text)
    assert told in str(error.value.problems[0])
