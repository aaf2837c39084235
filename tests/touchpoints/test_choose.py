"""Which chat app a tap leads to."""

import pytest

from post_purchase.touchpoints.choose import choose, country_order, device_of, is_robot

ALL = ("email", "messenger", "whatsapp")


@pytest.mark.parametrize(
    ("country", "best"),
    [
        ("DE", "whatsapp"),
        ("PL", "messenger"),
        ("PH", "messenger"),
        ("JP", "email"),
        ("BR", "whatsapp"),
        ("XX", "whatsapp"),
        ("NO", "messenger"),
    ],
)
def test_the_country_decides(country, best):
    assert choose(connected=ALL, country=country, device="ios").ranked[0] == best


def test_the_merchants_order_wins_over_the_country():
    order = {"DE": ["email", "whatsapp"], "*": ["messenger"]}
    assert choose(connected=ALL, merchant_order=order, country="DE").ranked == ("email", "whatsapp", "messenger")
    assert choose(connected=ALL, merchant_order=order, country="FR").ranked[0] == "messenger"


def test_only_connected_channels_are_chosen():
    assert choose(connected=["email"], country="DE").ranked == ("email",)
    assert choose(connected=[], country="DE").ranked == ()
    assert choose(connected=["email"], fixed="whatsapp", country="DE").ranked == ("email",)


def test_the_links_own_channel_wins():
    assert choose(connected=ALL, fixed="messenger", country="DE", device="desktop").ranked == ("messenger",)


def test_text_messages_are_not_offered_on_a_desktop():
    assert choose(connected=("sms", "messenger"), country="US", device="desktop").ranked == ("messenger",)
    assert choose(connected=("sms", "messenger"), country="US", device="ios").ranked == ("sms", "messenger")
    assert choose(connected=("sms",), country="US", device="desktop").ranked == ("sms",)


def test_only_a_desktop_with_two_close_candidates_is_asked():
    assert choose(connected=ALL, country="FR", device="desktop").ask
    assert not choose(connected=ALL, country="FR", device="android").ask
    assert not choose(connected=["whatsapp"], country="FR", device="desktop").ask
    assert not choose(connected=ALL, country="FR", device="desktop", merchant_order={"*": ["whatsapp"]}).ask


def test_every_row_ends_with_email():
    assert country_order("GB") == ("whatsapp", "sms", "messenger", "email")
    assert country_order("DE") == ("whatsapp", "email", "telegram")


@pytest.mark.parametrize(
    ("agent", "device", "robot"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1", "ios", False),
        (
            "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/141.0 Mobile Safari/537.36",
            "android",
            False,
        ),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36", "desktop", False),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Mobile/15E148 [FBAN/FBIOS;FBAV/500.0]", "ios", False),
        ("WhatsApp/2.25.20.77 A", "", True),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "", True),
        ("TelegramBot (like TwitterBot)", "", True),
        ("", "", True),
    ],
)
def test_devices_and_robots_are_told_apart(agent, device, robot):
    assert (device_of(agent), is_robot(agent)) == (device, robot)
