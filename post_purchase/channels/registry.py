"""Every driver by its kind. A new channel is one file in drivers/ and one line here."""

from post_purchase.words import ChannelKind

from .base import ChannelDriver
from .drivers.email import Email
from .drivers.instagram import Instagram
from .drivers.messenger import Messenger
from .drivers.sms import Sms
from .drivers.telegram import Telegram
from .drivers.webchat import WebChat
from .drivers.whatsapp import WhatsApp

DRIVERS: dict[ChannelKind, ChannelDriver] = {
    driver.kind: driver
    for driver in (
        WhatsApp(),
        Messenger(),
        Instagram(),
        Telegram(),
        Sms(),
        Email(),
        WebChat(),
    )
}


def driver_for(kind: str) -> ChannelDriver:
    return DRIVERS[ChannelKind(kind)]
