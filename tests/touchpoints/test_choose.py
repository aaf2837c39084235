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


def test_a_desktop_has_room_to_ask_about_the_best_two():
    assert choose(connected=ALL, country="FR", device="desktop").ask
    assert not choose(connected=ALL, country="DE", device="android").ask
    assert not choose(connected=["whatsapp"], country="FR", device="desktop").ask
    assert not choose(connected=ALL, country="FR", device="desktop", merchant_order={"*": ["whatsapp"]}).ask


@pytest.mark.parametrize("device", ["ios", "android", "desktop", ""])
def test_where_the_sources_disagree_every_device_is_asked(device):
    assert choose(connected=ALL, country="FR", device=device).ask
    assert not choose(connected=("whatsapp", "email"), country="FR", device="ios").ask


def test_what_the_shopper_chose_before_comes_before_the_merchants_order():
    order = {"*": ["messenger", "whatsapp"]}
    choice = choose(connected=ALL, earlier="email", merchant_order=order, country="FR", device="desktop")
    assert (choice.ranked, choice.ask) == (("email", "messenger", "whatsapp"), False)
    assert choose(connected=ALL, earlier="email", route="messenger", country="DE").ranked[0] == "email"


def test_an_earlier_choice_that_is_gone_or_does_not_open_here_is_passed_over():
    assert choose(connected=ALL, earlier="telegram", country="DE").ranked[0] == "whatsapp"
    assert choose(connected=("sms", "whatsapp"), earlier="sms", country="DE", device="desktop").ranked[0] == "whatsapp"
    assert choose(connected=("sms", "whatsapp"), earlier="sms", country="DE", device="ios").ranked[0] == "sms"


def test_the_channel_that_is_tapped_now_wins_over_everything():
    choice = choose(connected=ALL, fixed="email", earlier="whatsapp", route="messenger", country="DE")
    assert choice.ranked == ("email",)


def test_the_merchants_route_of_a_touchpoint_wins_over_the_order():
    assert choose(connected=ALL, route="email", merchant_order={"*": ["messenger"]}).ranked == ("email",)
    assert choose(connected=ALL, route="telegram", merchant_order={"*": ["messenger"]}).ranked[0] == "messenger"


def test_channels_without_a_driver_are_ready_in_the_table():
    assert choose(connected=("telegram", "email"), country="UZ").ranked == ("telegram", "email")
    assert choose(connected=("instagram", "messenger"), country="BR", device="ios").ranked[0] == "instagram"
    assert choose(connected=("instagram", "messenger"), country="BR", device="desktop").ranked == ("messenger",)
    assert choose(connected=("webchat",), country="DE").ranked == ("webchat",)


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
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "", True),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 "
            "Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",  # Apple's Messages
            "desktop",
            True,
        ),
        (
            "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
            "desktop",
            True,
        ),
        ("Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", "", True),
        ("LinkedInBot/1.0 (compatible; Mozilla/5.0; Jakarta Commons-HttpClient/3.1)", "", True),
        ("Viber/21.0", "", True),
        (
            "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
            "android",
            False,
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Instagram 350.0",
            "ios",
            False,
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605 Safari Line/14.5.0", "ios", False),
        (
            "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 Chrome/120 MicroMessenger/8.0.50",
            "android",
            False,
        ),
    ],
)
def test_devices_and_robots_are_told_apart(agent, device, robot):
    assert (device_of(agent), is_robot(agent)) == (device, robot)
