from django.db import models
from django.db.models import Q

from post_purchase.words import ChannelKind, EmailTemplate, TouchpointKind
from shopapp.lib.crypto import EncryptedTextField, new_code
from shopapp.models import Shop

from .contacts import ContactPoint
from .orders import Order


class Touchpoint(models.Model):
    """A place where the shopper meets the shop after buying."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="touchpoints")
    kind = models.CharField(max_length=24, choices=TouchpointKind.choices)
    name = models.CharField(max_length=120)
    options = models.JSONField(default=dict)  # texts, colours, layout, channel, product
    first_scan_at = models.DateTimeField(null=True)  # "it is really placed"
    archived_at = models.DateTimeField(null=True)
    alarmed_at = models.DateTimeField(null=True)  # since when its printed codes lead nowhere (services.print_watch)
    alarm_told_at = models.DateTimeField(null=True)  # when the team got a mail of it
    watched_at = models.DateTimeField(null=True)
    printed_at = models.DateTimeField(null=True)  # its card or code was last taken to be printed
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "kind", "name"], name="touchpoint_once")]

    def __str__(self) -> str:
        return f"{self.kind} touchpoint {self.pk}"


class PrintBatch(models.Model):
    """A print run of codes, each different: one for each parcel. The codes follow from `secret`, so none is stored."""

    touchpoint = models.ForeignKey(Touchpoint, on_delete=models.CASCADE, related_name="batches")
    name = models.CharField(max_length=120)
    secret = EncryptedTextField(default=new_code)
    quantity = models.PositiveIntegerField()
    made = models.PositiveIntegerField(default=0)  # codes that are links already, the first ones
    design = models.JSONField(default=dict)  # what was on the card when it was ordered
    route = models.JSONField(default=dict)  # where these codes lead, where other than the card's (services.routes)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"print batch {self.pk}"


class PrintStatus(models.TextChoices):
    WAITING = "waiting", "Waiting"
    MAKING = "making", "Being made"
    READY = "ready", "Ready"
    CANCELLED = "cancelled", "Stopped"
    FAILED = "failed", "Could not be made"


class PrintForm(models.TextChoices):
    PDF = "pdf", "One PDF"
    SVG = "svg", "ZIP of SVG"
    PNG = "png", "ZIP of PNG"
    CSV = "csv", "CSV for a printer"


class PrintFile(models.Model):
    """A batch as one file to download. Made in the background (services.print_files)."""

    batch = models.ForeignKey(PrintBatch, on_delete=models.CASCADE, related_name="files")
    form = models.CharField(max_length=8, choices=PrintForm.choices)
    paper = models.CharField(max_length=16, blank=True)  # empty: a page for each piece
    marks = models.BooleanField(default=False)
    status = models.CharField(max_length=12, choices=PrintStatus.choices, default=PrintStatus.WAITING)
    done = models.PositiveIntegerField(default=0)  # pieces in the file
    bytes = models.PositiveBigIntegerField(default=0)
    file = models.CharField(max_length=64, blank=True)  # below MEDIA_ROOT
    error = models.CharField(max_length=255, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "form", "paper", "marks"], name="print_file_once")]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="print_file_due", condition=Q(next_attempt_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"print file {self.pk}"


class PageCheck(models.Model):
    """A page of the shop's own website that printed codes lead to: is it still there? Looked at once a day."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="page_checks")
    path = models.CharField(max_length=400)
    missing = models.BooleanField(default=False)  # the website answered 404 or 410
    status = models.PositiveSmallIntegerField(null=True)  # of the last answer; None: none came
    checked_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "path"], name="page_check_once")]
        indexes = [
            # services.page_checks.check_due
            models.Index(fields=["next_attempt_at"], name="page_check_due", condition=Q(next_attempt_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"page check {self.pk}"


class Link(models.Model):
    """A code behind /c/<code>. Only its hash is stored; codes of links without an order can be shown again (`code`)."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="links")
    touchpoint = models.ForeignKey(Touchpoint, on_delete=models.CASCADE, related_name="links")
    code_hash = models.CharField(max_length=64, unique=True)
    code = EncryptedTextField(
        blank=True
    )  # shop-wide links only (nothing personal behind them): printed again and again
    order = models.ForeignKey(Order, null=True, on_delete=models.CASCADE, related_name="links")
    checkout_token_hash = models.CharField(max_length=64, blank=True)  # thank-you page: the order may come later
    batch = models.ForeignKey(PrintBatch, null=True, on_delete=models.CASCADE, related_name="links")
    number = models.PositiveIntegerField(null=True)  # its place in the batch, from 1
    continues = models.ForeignKey(
        ContactPoint, null=True, on_delete=models.CASCADE, related_name="continued_by"
    )  # made in this person's web chat, to go on elsewhere: whoever uses it first is the same person
    order_shopify_id = models.BigIntegerField(null=True)  # claimed by the page, never trusted alone
    channel_kind = models.CharField(max_length=16, choices=ChannelKind.choices, blank=True)  # empty: chosen at each tap
    chosen_kind = models.CharField(max_length=16, choices=ChannelKind.choices, blank=True)  # picked here by the shopper
    intent = models.CharField(max_length=8, blank=True)  # "review": what who comes this way wants at once
    language = models.CharField(max_length=16, blank=True)
    country = models.CharField(max_length=2, blank=True)
    packed_at = models.DateTimeField(null=True)  # a batch's card: tied to its order by who packed (services.packing)
    used_by = models.ForeignKey(ContactPoint, null=True, on_delete=models.SET_NULL, related_name="used_links")
    used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "number"], name="link_once_in_batch", condition=Q(batch__isnull=False)
            )
        ]
        indexes = [
            # services.links.join_order
            models.Index(
                fields=["shop", "checkout_token_hash"],
                name="link_waiting_for_order",
                condition=Q(order__isnull=True) & ~Q(checkout_token_hash=""),
            ),
            models.Index(fields=["order"], name="link_of_order"),
            # the packing page
            models.Index(
                fields=["shop", "-packed_at"], name="link_newest_packed", condition=Q(packed_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"link {self.pk}"


class Scan(models.Model):
    """One person's taps or scans of one link on one day. Nothing that names them (services.visits)."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="scans")
    touchpoint = models.ForeignKey(Touchpoint, on_delete=models.CASCADE, related_name="scans")  # the link's
    person = models.CharField(max_length=24, blank=True)  # keyed hash, the key is destroyed; empty: counted alone
    scan_id = models.CharField(max_length=32, unique=True)  # made at the door, so that a spooled scan is counted once
    scanned_at = models.DateTimeField()
    device = models.CharField(max_length=16, blank=True)  # ios, android, desktop
    language = models.CharField(max_length=16, blank=True)
    channel_kind = models.CharField(max_length=16, blank=True)  # where it led
    source = models.CharField(max_length=1, choices=EmailTemplate.choices, blank=True)  # which of Shopify's e-mails
    robot = models.BooleanField(default=False)  # link previews
    test = models.BooleanField(default=False)  # a test e-mail or a preview: its order is made up
    nowhere = models.BooleanField(default=False)  # the link had expired, or nobody could chat there

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["link", "person"], name="scan_once_per_person_and_day", condition=~Q(person="")
            )
        ]
        indexes = [
            models.Index(fields=["link", "scanned_at"], name="scan_by_day"),
            models.Index(fields=["touchpoint", "scanned_at"], name="scan_by_touchpoint"),
        ]

    def __str__(self) -> str:
        return f"scan {self.pk}"


class VisitKey(models.Model):
    """The secret of one day (UTC) that taps are hashed with. Deleted after the day: then no hash can be tried."""

    day = models.DateField(unique=True)
    key = EncryptedTextField()

    def __str__(self) -> str:
        return f"visit key of {self.day}"


class ChatStart(models.Model):
    """A person wrote with a link's code: the step from a scan to a conversation."""

    touchpoint = models.ForeignKey(Touchpoint, on_delete=models.CASCADE, related_name="chat_starts")
    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="chat_starts")
    point = models.ForeignKey(ContactPoint, on_delete=models.CASCADE, related_name="chat_starts")
    started_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link", "point"], name="chat_start_once")]
        indexes = [models.Index(fields=["touchpoint", "started_at"], name="chat_start_by_touchpoint")]

    def __str__(self) -> str:
        return f"chat start {self.pk}"


class CodeGuess(models.Model):
    """A code that was not right, so that guessing stops."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    point = models.ForeignKey(ContactPoint, null=True, on_delete=models.CASCADE)
    guessed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["point", "guessed_at"], name="guess_by_point"),
            models.Index(fields=["shop", "guessed_at"], name="guess_by_shop"),
        ]

    def __str__(self) -> str:
        return f"guess {self.pk}"
