"""Instagram by its own login: no Facebook page is needed. Free for 24 hours, HUMAN_AGENT for seven days for what a
person typed, and nothing else after that: no templates, no offers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings

from post_purchase.channels import graph, pictures
from post_purchase.channels.base import (
    AccountCheck,
    Capability,
    ChannelError,
    CredentialField,
    Outcome,
    OutMessage,
    Rate,
)
from post_purchase.channels.entry_links import instagram_link
from post_purchase.channels.meta_driver import MetaMessaging, text_message, with_link
from post_purchase.channels.provider_data import ErrorTable, limits
from post_purchase.channels.reading import text
from post_purchase.models import Channel, ContactPoint
from post_purchase.words import ChannelKind, Mode, Purpose

ERRORS = ErrorTable("instagram_errors.yaml", "Instagram")
LIMITS = limits("instagram")
FIELDS = "messages,messaging_postbacks,messaging_referral,messaging_seen,message_reactions"
QUESTIONS = ["Where is my order?", "I have a question about my order"]  # without any, a link's code is lost


class Instagram(MetaMessaging):
    kind = ChannelKind.INSTAGRAM
    rate: ClassVar[Rate] = Rate(per_account_per_second=LIMITS["per_account_per_second"])
    credential_fields = (
        CredentialField(
            "access_token",
            "Access token",
            "In Meta's App dashboard: Instagram, API setup with Instagram login, Generate token. It holds for 60 days.",
        ),
    )
    asks_account = False
    renew_after = timedelta(days=20)
    media_hosts = ("fbcdn.net", "fbsbx.com", "cdninstagram.com")
    fetches_pictures = True
    table = ERRORS
    limits = LIMITS

    def origin(self) -> str:
        return str(settings.INSTAGRAM_GRAPH_ORIGIN)

    def capability(
        self, *, point: ContactPoint, channel: Channel, purpose: Purpose, now: datetime, typed: bool = False
    ) -> Capability:
        found, last = self.in_window(point, now, typed=typed), point.last_inbound_at
        if found is not None or last is None:
            return found or Capability(Mode.NONE)
        hours = int((now - last).total_seconds() // 3600)
        return Capability(Mode.NONE, f"The shopper last wrote {hours} hours ago; Instagram takes nothing after 24")

    def words_of(self, message: OutMessage, mode: Mode) -> dict[str, Any]:
        if mode == Mode.TEMPLATE:
            raise ChannelError("Instagram knows no templates", outcome=Outcome.OTHER_CHANNEL)
        words, most = with_link(message), LIMITS["text_bytes"]
        if len(words.encode()) > most:
            raise ChannelError(
                f"Instagram takes at most {most} bytes in one message: shorten the text", outcome=Outcome.OTHER_CHANNEL
            )
        return text_message(words, message, network="Instagram", most=LIMITS)

    def picture_of(self, channel: Channel, message: OutMessage) -> dict[str, Any]:
        """Instagram fetches pictures from a public address and takes no files; without one the text goes alone."""
        return {"url": message.image_path} if pictures.is_address(message.image_path) else {}

    def account_of(self, typed: str, credentials: Mapping[str, str]) -> str:
        return ""  # only Instagram knows whose token it is: check_account

    def check_account(self, *, account_id: str, credentials: Mapping[str, str]) -> AccountCheck:
        token, fields = credentials.get("access_token", ""), {"fields": "user_id,username,name"}
        try:
            me = graph.call("GET", "me", token=token, table=ERRORS, params=fields, origin=self.origin())
        except ChannelError as error:
            return self.refused(error, "Instagram does not know the account of this token")
        account, username = text(me.get("user_id"), 64), text(me.get("username"), 64)
        if not account or not username:
            return AccountCheck(
                ok=False, message="This token belongs to no professional Instagram account: switch it in the app first"
            )
        return AccountCheck(
            ok=True, name=text(me.get("name"), 100) or f"@{username}", link_address=username, account_id=account
        )

    def set_up_account(self, *, channel: Channel) -> None:
        """Without ice breakers a link's code would be lost on a new thread (Meta, "ig.me links")."""
        params = {"subscribed_fields": FIELDS}
        self.call(channel, "POST", f"{channel.account_id}/subscribed_apps", params=params)
        questions = channel.options.get("ice_breakers") or QUESTIONS
        profile = {"platform": "instagram", "ice_breakers": self.ice_breakers(questions)}
        self.call(channel, "POST", f"{channel.account_id}/messenger_profile", json=profile)

    def renewed(self, *, channel: Channel) -> dict[str, str]:
        """A long-lived token holds for 60 days and can be changed for a new one before (Meta, "Refresh a token")."""
        answer = self.call(channel, "GET", "refresh_access_token", params={"grant_type": "ig_refresh_token"})
        token = text(answer.get("access_token"), 2000)
        return {"access_token": token} if token else {}

    def entry_url(self, *, channel: Channel, code: str, text: str, device: str = "") -> str:
        return instagram_link(origin=settings.INSTAGRAM_LINK_ORIGIN, username=channel.link_address, code=code)
