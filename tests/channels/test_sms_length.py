import pytest

from post_purchase.channels.sms_length import segments


@pytest.mark.parametrize(
    ("text", "number", "units", "unicode"),
    [
        ("", 0, 0, False),
        ("a" * 160, 1, 160, False),
        ("a" * 161, 2, 161, False),
        ("a" * 306, 2, 306, False),
        ("a" * 307, 3, 307, False),
        ("€" * 80, 1, 160, False),
        ("€" * 81, 2, 162, False),
        ("a" * 152 + "€" + "a" * 152, 3, 306, False),  # a pair is not divided
        ("ß" * 160, 1, 160, False),
        ("ł" * 70, 1, 70, True),
        ("ł" * 71, 2, 71, True),
        ("😀" * 35, 1, 70, True),
        ("😀" * 36, 2, 72, True),
        ("a" * 66 + "😀" + "a" * 65, 2, 133, True),
        ("a" * 66 + "😀" + "a" * 67, 3, 135, True),
        ("مرحبا", 1, 5, True),
    ],
)
def test_segments_are_counted_as_the_networks_count_them(text, number, units, unicode):
    found = segments(text)
    assert (found.number, found.units, found.unicode) == (number, units, unicode)


def test_what_makes_it_unicode_is_named():
    assert segments("Łódź, now").culprits == "Łóź"
