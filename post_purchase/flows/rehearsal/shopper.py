"""What a shopper does with a question: from the step that asks, the assumptions, and a seed. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from post_purchase.flows.effects import Say
from post_purchase.flows.registry import AnyStep
from post_purchase.flows.sample import PRODUCT
from post_purchase.flows.steps.ask import Ask
from post_purchase.flows.steps.collect_review import HELP, RATINGS, SKIP, CollectReview

from .assumptions import Assumptions, Chance

SOONEST = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Reply:
    """One message of the shopper's. `tap`: the id that comes back; `photo`: with a picture, stored a moment later."""

    after: timedelta
    text: str = ""
    tap: str = ""
    photo: bool = False


def reply_to(step: AnyStep | None, say: Say, run: int, assumed: Assumptions, chance: Chance) -> Reply | None:
    """None: nothing was asked, or the shopper does not answer."""
    about: tuple[object, ...] = (run, say.key)
    if not isinstance(step, Ask | CollectReview) or not chance.happens(assumed.answers, "answers", *about):
        return None
    longest = max(timedelta(hours=assumed.answers_within) - SOONEST, timedelta(0))
    after = SOONEST + timedelta(seconds=int(longest.total_seconds() * chance.share("when", *about) ** 2))
    offered = {choice.rpartition(":")[2]: choice for choice in say.choices}
    if isinstance(step, CollectReview):
        return _to_review(step, say, offered, after, about, assumed, chance)
    return _to_question(step, say, offered, after, about, assumed, chance)


def _to_review(
    step: CollectReview,
    say: Say,
    offered: dict[str, str],
    after: timedelta,
    about: tuple[object, ...],
    assumed: Assumptions,
    chance: Chance,
) -> Reply | None:
    if set(offered) >= set(RATINGS):
        stars = str(chance.choice(assumed.stars, "stars", *about) + 1)
        return Reply(after, text=stars, tap=offered[stars])
    if HELP in offered and chance.happens(assumed.wants_help, "help", *about):
        return Reply(after, text="Help, please", tap=offered[HELP])
    asked_for_photo = say.message in (step.photo_question, step.photo_reminder)
    if chance.happens(assumed.photos, "photo", *about):
        return Reply(after, photo=True)
    if not asked_for_photo and chance.happens(assumed.words, "words", *about):
        return Reply(after, text="It is just as I had hoped.")
    return Reply(after, text="No, thanks", tap=offered[SKIP]) if SKIP in offered else None


def _to_question(
    step: Ask,
    say: Say,
    offered: dict[str, str],
    after: timedelta,
    about: tuple[object, ...],
    assumed: Assumptions,
    chance: Chance,
) -> Reply | None:
    if offered:
        names = list(offered)
        others = len(names) - 1
        weights = (assumed.first_choice * others, *([100 - assumed.first_choice] * others)) if others else (1,)
        name = names[chance.choice(weights, "choice", *about)]
        return Reply(after, text=name, tap=offered[name])
    if step.rating:
        return Reply(after, text=str(chance.choice(assumed.stars, "stars", *about) + 1))
    if step.number_from is not None and step.number_to is not None:
        span = step.number_to - step.number_from + 1
        return Reply(after, text=str(step.number_from + chance.choice((1,) * span, "number", *about)))
    if step.photos:
        return Reply(after, photo=True)
    return Reply(after, text="It is just as I had hoped.") if step.any_text else None


def product_found(run: int, key: str, limit: int, assumed: Assumptions, chance: Chance) -> list[dict[str, Any]]:
    if not chance.happens(assumed.finds_products, "product", run, key):
        return []
    return [{**PRODUCT, "title": "a product that fits", "because": "what was bought"}][:limit]
