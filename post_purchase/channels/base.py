"""The face that every channel driver has. A driver knows one network and nothing else; it changes no database rows.

`ChannelError.outcome` is the small set that every provider's error table is folded into (messaging.md, section 13.2).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from post_purchase.models import Channel, ContactPoint, MessageTemplate
from post_purchase.words import ChannelKind, MessageStatus, Mode, Purpose

from .cards import Card, in_words


class Button(BaseModel):
    """A tap that comes back as `Inbound.button_id`. Drivers without buttons write them as numbered lines."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str  # at most 200 bytes; Messenger and WhatsApp give it back untouched
    title: str  # WhatsApp shows 20 characters, drivers shorten


class UrlButton(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    url: str


class TemplateUse(BaseModel):
    """An approved template for outside the window: a name and the values in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    language: str
    parameters: list[str] = []
    category: str = "UTILITY"
    bodies: dict[str, str] = {}  # {network's language: services.template_words.digest_of}; empty: the name decides
    orders: dict[str, list[int]] = {}  # which value stands at each place, in languages that have them otherwise
    sent: bool = False  # it went as this template: no other words, no taps


class OutMessage(BaseModel):
    """What is to be said, before any network's limits. Stored as `Message.content`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str
    forms: dict[str, str] = {}  # the text as one network wants it, by ChannelKind; a driver is given `on(kind)`
    buttons: list[Button] = []  # up to 3 show as buttons everywhere; 4 to 10 become a list on WhatsApp
    list_title: str = ""  # label of the list opener, for 4 to 10 choices
    url_button: UrlButton | None = None
    cards: list[Card] = []  # a driver without `shows_cards` is given them `in_words`
    asks_phone: bool = False  # with a button that shares the person's own number, where there is one and no other
    image_path: str = ""  # below MEDIA_ROOT
    card_title: str = ""  # name and price of a product that is shown; stands in `text` too
    document_path: str = ""  # a PDF below MEDIA_ROOT; beside words only, not beside choices
    document_name: str = ""  # as the shopper sees it: "Return label.pdf"
    subject: str = ""  # e-mail
    preheader: str = ""
    template: TemplateUse | None = None  # used by WhatsApp and Messenger outside the window
    language: str = "en"
    rtl: bool = False

    def on(self, kind: str) -> "OutMessage":
        """What that network is to say: its own form of the text, else the text."""
        if not self.forms:
            return self
        return self.model_copy(update={"text": self.forms.get(kind) or self.text, "forms": {}})

    def in_words(self) -> "OutMessage":
        """The cards as lines of text, and as choices those that are replies."""
        if not self.cards:
            return self
        taps = [Button(id=card.reply_id, title=card.title) for card in self.cards if card.reply_id]
        changed = {"text": in_words(self.text, self.cards), "buttons": [*self.buttons, *taps], "cards": []}
        return self.model_copy(update=changed)


@dataclass(frozen=True)
class Capability:
    mode: Mode
    reason: str = ""  # plain words, where mode is not FREE: "The shopper last wrote 26 hours ago; ..."
    until: datetime | None = None  # when FREE ends


class Outcome(StrEnum):
    RETRY_AFTER = "retry_after"  # the same message later
    USE_TEMPLATE = "use_template"  # the window closed
    OTHER_CHANNEL = "other_channel"  # this point cannot get this message
    SUPPRESS_PURPOSE = "suppress_purpose"  # no more of this purpose to this point
    SUPPRESS_ADDRESS = "suppress_address"  # nothing more to this point
    OPTED_OUT = (
        "opted_out"  # the shopper has said STOP to the network: a line in the ledger, nothing more to this point
    )
    HALT_ACCOUNT = "halt_account"  # the merchant must mend the account
    BUG = "bug"  # our request was wrong
    UNKNOWN = "unknown"  # no answer came: the network may or may not have taken it


class ChannelError(Exception):
    """The one error a driver raises from `send`, `check_account` and `fetch_media`.

    The message is plain words for the merchant: what happened and what to do. `code` is the provider's own.
    """

    def __init__(self, message: str, *, outcome: Outcome, code: str = "", retry_after: timedelta | None = None):
        super().__init__(message)
        self.outcome = outcome
        self.code = code
        self.retry_after = retry_after
        self.file_sent = False  # of a message that goes in two: its picture has gone, its words have not

    @property
    def retryable(self) -> bool:
        return self.outcome == Outcome.RETRY_AFTER


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class SendContext:
    """What a network wants to know beside the words. The sender fills it; a sending driver asks no database."""

    purpose: Purpose = Purpose.UTILITY
    typed: bool = False  # written by a person of the team just now (Messenger's HUMAN_AGENT)
    attempt: int = 1  # which try this is, for the network's own back-off rule (WhatsApp's pair limit)
    file_sent: bool = False  # an earlier try has sent the picture or PDF already, where that is a message of its own
    quote: str = ""  # provider id of the message that this one answers
    thread: tuple[str, ...] = ()  # provider ids exchanged with this point, oldest first (e-mail threading)
    subject: str = ""  # of the shopper's newest mail in that thread
    leaving: Callable[[], None] = _nothing  # a driver calls it when the message may leave this machine next


NO_CONTEXT = SendContext()


@dataclass(frozen=True)
class SendResult:
    provider_id: str  # wamid, mid, Message-ID
    status: Literal["sent", "delivered"] = "sent"


@dataclass(frozen=True)
class MediaPart:
    """A file in an inbound message, not fetched yet. `source` is what `fetch_media` takes."""

    source: dict[str, Any]
    claimed_type: str = ""


@dataclass(frozen=True)
class Inbound:
    """One message, tap or entry from a shopper."""

    account_id: str  # Channel.account_id it came to
    provider_id: str  # the network's id, for dedupe; made from the content where the network gives none
    address: str  # ContactPoint.address: BSUID else phone (WhatsApp), PSID, e-mail address
    happened_at: datetime
    text: str = ""
    button_id: str = ""
    entry_code: str = ""  # from m.me ref or reply address: the link code
    media: tuple[MediaPart, ...] = ()
    aliases: tuple[str, ...] = ()  # other ids of the same person: the phone beside a BSUID
    phone: str = ""  # E.164 where told
    shares_phone: bool = False  # the answer to `OutMessage.asks_phone`: the number is surely theirs
    profile_name: str = ""
    reply_to: str = ""  # provider id that is quoted, or Message-ID answered
    kind: str = "message"  # message, entry (opened by a link), reaction, unsupported
    subject: str = ""
    channel_id: int | None = None  # where the address it came to names our channel itself (e-mail); else use account_id
    point_id: int | None = None  # e-mail: the reply address was made for this point
    language: str = ""  # what the person's app speaks (Telegram); used where nothing better is known
    resumes: bool = False  # the network took it as the word that ends a STOP (Twilio's START, also YES)
    proved: bool | None = True  # the address is the sender's own; None: nobody knows (e-mail: the From line is a claim)


@dataclass(frozen=True)
class StatusUpdate:
    """The network tells how a message of ours fares."""

    account_id: str
    provider_id: str
    status: MessageStatus  # SENT, DELIVERED, READ, FAILED
    happened_at: datetime
    ref: str = ""  # Message.ref where the network echoes it
    address: str = ""
    before: datetime | None = None  # Messenger: everything to `address` up to this watermark
    error: ChannelError | None = None
    channel_id: int | None = None  # e-mail: the message told the provider which channel it went through


@dataclass(frozen=True)
class PointUpdate:
    """The network tells something about a person: blocked us, changed number, asked for marketing to stop."""

    account_id: str
    address: str
    happened_at: datetime
    new_address: str = ""
    blocked: bool | None = None
    stopped_purpose: Purpose | None = None
    resumed_purpose: Purpose | None = None
    channel_id: int | None = None


@dataclass(frozen=True)
class TemplateUpdate:
    account_id: str  # the WABA or page the template belongs to
    name: str
    language: str
    status: str = ""
    category: str = ""
    reason: str = ""
    provider_id: str = ""
    body: str = ""  # where the network was asked for its list
    quality: str = ""  # GREEN, YELLOW, RED, UNKNOWN
    coming_category: str = ""  # an announcement: `category` is still what it is now
    coming_at: datetime | None = None


@dataclass(frozen=True)
class LimitUpdate:
    """How many people a business may write to first has changed."""

    account_id: str  # the WABA that it is told to
    limit: int  # people in 24 hours; see `Portfolio.limit`


@dataclass(frozen=True)
class TemplateReceipt:
    provider_id: str
    status: str  # the network's word: PENDING, APPROVED, REJECTED
    category: str = ""


@dataclass(frozen=True)
class HumanTookOver:
    """An echo from another app: a person answered elsewhere, so the bot pauses."""

    account_id: str
    address: str
    happened_at: datetime


@dataclass(frozen=True)
class TakenBack:
    """The shopper has unsent a message: Meta wants our copy deleted as well."""

    account_id: str
    provider_id: str


@dataclass(frozen=True)
class Odd:
    """Something we do not understand. Stored with the webhook row, never an error."""

    why: str


Update = Inbound | StatusUpdate | PointUpdate | TemplateUpdate | LimitUpdate | HumanTookOver | TakenBack | Odd


@dataclass(frozen=True)
class AccountCheck:
    """What the network says of the credentials. `ok=False` carries plain words for the form."""

    ok: bool
    message: str = ""
    name: str = ""
    link_address: str = ""  # E.164 digits, page username, sender address
    account_id: str = ""  # where only the network knows whose credentials these are (Instagram)
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CredentialField:
    """One input of the "connect an account" form."""

    name: str
    label: str
    help: str = ""
    secret: bool = True
    required: bool = True


@dataclass(frozen=True)
class Gateway:
    """Another provider of the same network: what its form asks for. `key` is kept among the credentials."""

    key: str
    label: str
    account_label: tuple[str, str]
    fields: tuple[CredentialField, ...]


@dataclass(frozen=True)
class Rate:
    """What the network allows, so that we slow down before it tells us to."""

    per_account_per_second: float
    per_point_seconds: float = 0.0  # smallest gap to one person
    per_point_burst: int = 1


@dataclass(frozen=True)
class Portfolio:
    """The business behind an account, where the network counts to how many people a business writes first."""

    key: str
    limit: int  # people in `hours`; UNLIMITED: as many as there are; 0: the network has not told


UNLIMITED = -1


class ChannelDriver(ABC):
    kind: ClassVar[ChannelKind]
    rate: ClassVar[Rate] = Rate(per_account_per_second=50)
    credential_fields: ClassVar[tuple[CredentialField, ...]] = ()
    has_templates: ClassVar[bool] = False
    deletes_templates: ClassVar[bool] = False
    template_categories: ClassVar[tuple[str, ...]] = ("UTILITY", "MARKETING")  # others are not handed to it
    renew_after: ClassVar[timedelta | None] = None  # credentials that run out are renewed at this age
    gateways: ClassVar[tuple["Gateway", ...]] = ()  # other providers of the same network, each with a form of its own
    asks_account: ClassVar[bool] = True  # False: a credential names the account itself, `account_of` reads it there
    asks_mailbox: ClassVar[bool] = False  # whoever connects the address must read the mail that comes there
    is_ours: ClassVar[bool] = False  # no account elsewhere: switched on, and the shop itself is the account
    media_hosts: ClassVar[tuple[str, ...]] = ()  # suffixes of hosts that media may be fetched from
    shows_reading: ClassVar[bool] = False  # `mark_read` does something here
    fetches_pictures: ClassVar[bool] = False  # from a public address; no file of ours can be handed over
    shows_cards: ClassVar[bool] = False
    caption: ClassVar[int | None] = None  # most characters beside a picture, where fewer than otherwise
    echoes_ref: ClassVar[bool] = False  # statuses bring Message.ref back: an unknown send can be reconciled

    @abstractmethod
    def capability(
        self, *, point: ContactPoint, channel: Channel, purpose: Purpose, now: datetime, typed: bool = False
    ) -> Capability:
        """May we write to this point now, and how? Computed from `point.last_inbound_at`; no network.

        `typed`: a person of the team writes it (Messenger lets them answer for seven days).
        """

    @abstractmethod
    def send(
        self,
        *,
        channel: Channel,
        point: ContactPoint,
        message: OutMessage,
        mode: Mode,
        ref: str,
        context: SendContext = NO_CONTEXT,
    ) -> SendResult:
        """Hand the message to the network once. Raises ChannelError; never retries by itself.

        It calls `context.leaving()` when everything is made and the message may go: what fails before that has surely
        not been sent. Runs in a thread; it asks no database.

        E-mail shows the shop's brand: load the channel with `select_related("shop__settings")`.
        """

    def account_of(self, typed: str, credentials: Mapping[str, str]) -> str:
        """The account's id as it is saved: what was typed, tidied, or what a credential holds."""
        return typed

    @abstractmethod
    def check_account(self, *, account_id: str, credentials: Mapping[str, str]) -> AccountCheck:
        """Ask the network whether these credentials work. Raises ChannelError only where it cannot be reached."""

    @abstractmethod
    def parse(self, *, body: bytes, headers: Mapping[str, str]) -> list[Update]:
        """Everything in one callback, in order. Total: odd input gives Odd, never an exception.

        `headers` are IncomingWebhook.headers plus `webhook`, the row's primary key (e-mail finds its photos by it).
        """

    @abstractmethod
    def entry_url(self, *, channel: Channel, code: str, text: str, device: str = "") -> str:
        """Where a tap leads: wa.me with the text, m.me with the ref, mailto, sms. `text` already contains the code.

        `device` (ios, android, desktop, or empty) for those networks whose links differ. Only https: is redirected to;
        mailto: and sms: are shown on a page, with the address and the code to copy.
        """

    def fetch_media(self, *, channel: Channel, source: Mapping[str, Any], max_bytes: int) -> bytes:
        raise ChannelError(f"{self.kind.label} has no media", outcome=Outcome.BUG)

    def can_ask_phone(self, *, point: ContactPoint) -> bool:
        """Whether `OutMessage.asks_phone` brings a button here, and the number is not known yet."""
        return False

    def portfolio_of(self, channel: Channel) -> Portfolio | None:
        """Whose count a first word from this account adds to; None where the network keeps no such count."""
        return None

    def tells_delivery(self, *, channel: Channel) -> bool:
        """Whether this account's network tells when a message has arrived, so that its silence means something."""
        return False

    def takes_pictures(self, *, channel: Channel) -> bool:
        """Whether a picture can go beside the words of a free message."""
        return False

    def takes_documents(self, *, channel: Channel) -> bool:
        """Whether a PDF can go beside the words of a free message."""
        return False

    def forget_media(self, *, channel: Channel, source: Mapping[str, Any]) -> None:  # noqa: B027
        """The file is stored here: take it away from the network, where it would stay for ever (Twilio)."""

    def mark_read(self, *, channel: Channel, point: ContactPoint, provider_id: str, typing: bool = False) -> None:  # noqa: B027
        """Show the shopper that we have read it (and are writing), where the network can."""

    def set_up_account(self, *, channel: Channel) -> None:  # noqa: B027
        """Once after connecting: subscribe to the account's news, set its first screen. Raises ChannelError."""

    def token_for(self, code: str) -> str:
        """The token behind the code of a sign-up at the network itself. Raises ChannelError."""
        raise ChannelError(f"{self.kind.label} has no sign-up of its own", outcome=Outcome.BUG)

    def take_leave(self, *, channel: Channel) -> None:  # noqa: B027
        """While it is being disconnected: the network stops telling us. Raises ChannelError."""

    def renewed(self, *, channel: Channel) -> dict[str, str]:
        """Fresh credentials before the old ones run out; {} where these do not. Raises ChannelError."""
        return {}

    def submit_template(self, *, channel: Channel, template: MessageTemplate) -> TemplateReceipt:
        """Hand a template (new, or edited where it has a provider id) to the network's review. Raises ChannelError."""
        raise ChannelError(f"{self.kind.label} has no templates", outcome=Outcome.BUG)

    def delete_template(self, *, channel: Channel, template: MessageTemplate) -> None:
        """This language of it. Raises ChannelError."""
        raise ChannelError(f"{self.kind.label} deletes no templates", outcome=Outcome.BUG)

    def list_templates(self, *, channel: Channel) -> list[TemplateUpdate]:
        """What the network now says of this account's templates. Raises ChannelError."""
        return []
