"""The page of templates: writing one's own, submitting again, asking the network how they stand."""

from django.db.models import Q, QuerySet

from post_purchase.channels.registry import DRIVERS, driver_for
from post_purchase.models import Channel, ChannelStatus, MessageTemplate, TemplateStatus
from shopapp.lib import clock
from shopapp.lib.queue import Job, wake
from shopapp.models import Shop

from .template_words import meta_language
from .templates import TemplateSpec, adopt_news, same_words, save_spec, why_unfit

MOST_OWN = 100
# Of a channel's templates: submitted as news of an order, charged as offers, now or soon.
RECLASSED = Q(templates__asked_category="UTILITY") & (
    Q(templates__category="MARKETING") | Q(templates__coming_category="MARKETING")
)


class CannotSubmit(Exception):
    """In words for the form."""


def accounts_with_templates(shop: Shop) -> QuerySet[Channel]:
    kinds = [kind for kind, driver in DRIVERS.items() if driver.has_templates]
    return shop.channels.filter(kind__in=kinds, status=ChannelStatus.ACTIVE).order_by("pk")


def templates_of(shop: Shop) -> QuerySet[MessageTemplate]:
    rows = MessageTemplate.objects.filter(channel__shop=shop).exclude(channel__status=ChannelStatus.DISCONNECTED)
    return rows.select_related("channel").order_by("name", "language", "pk")


def reclassed(shop: Shop) -> QuerySet[MessageTemplate]:
    """Submitted as news of an order; the network charges them as offers, now or soon."""
    offers = Q(category="MARKETING") | Q(coming_category="MARKETING")
    return templates_of(shop).filter(offers, asked_category="UTILITY")


def add_own(*, channel: Channel, spec: TemplateSpec) -> None:
    """Saved as a draft; the job submits it within a minute. Raises CannotSubmit."""
    problem = why_unfit(spec)
    if problem:
        raise CannotSubmit(problem)
    if spec.category.upper() not in driver_for(channel.kind).template_categories:
        raise CannotSubmit(f"{channel.get_kind_display()} takes only utility templates: an offer cannot be one")
    taken = channel.templates.filter(name=spec.name, language=meta_language(spec.language))
    if taken.exists():
        raise CannotSubmit("There is a template with this name in this language already")
    words = (meta_language(spec.language), spec.category.upper(), spec.body.strip())
    if twin := same_words(channel.templates.all(), words):
        raise CannotSubmit(f"“{twin.name}” says the same already; Meta takes no words twice")
    if channel.templates.filter(is_own=True).count() >= MOST_OWN:
        raise CannotSubmit(f"There are {MOST_OWN} templates of your own already")
    save_spec(channel, spec, is_own=True)
    _soon(channel)


def submit_again(template: MessageTemplate) -> bool:
    """A text that was refused goes to review once more, as it stands. False: there is nothing to submit."""
    refused = MessageTemplate.objects.filter(pk=template.pk, status=TemplateStatus.REJECTED)
    changed = refused.update(status=TemplateStatus.DRAFT, status_reason="", updated_at=clock.now())
    if changed:
        _soon(template.channel)
    return bool(changed)


def ask_network(channel: Channel) -> int:
    """How all templates of the account stand now. Returns how many rows were told. Raises ChannelError."""
    return sum(adopt_news(channel, update) for update in driver_for(channel.kind).list_templates(channel=channel))


def _soon(channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk).update(templates_due_at=clock.now())
    wake(Job.SUBMIT_TEMPLATES)
