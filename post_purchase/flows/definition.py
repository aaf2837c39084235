"""The versioned document of a flow: trigger, exits, steps, news it hears, and what is said in every language. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from post_purchase.services import texts
from post_purchase.words import ChannelKind, EventKind, Purpose

from .conditions import Condition
from .registry import KINDS, AnyStep
from .step import Duration, Offset, Titles

FALLBACK_LANGUAGE = "en"
COSTLY_FACTS = ("history", "guide", "bought", "consent")
RESERVED = frozenset({"goals", "rating", "photos", "products", "reward"})  # answers that steps write by themselves
MAX_TEMPLATE_BODY = 1024  # characters; Meta, message templates
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
IntentName = Literal[
    "where", "when", "change_address", "cancel", "return_exchange", "problem", "invoice", "how_to", "person", "thanks",
    "reorder",
]  # fmt: skip
_PLACE = re.compile(r"\{\{(\d+)\}\}")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class TriggerSpec(_Part):
    """What starts a run, and how often: once for each subject, or again after `again_after` (PT0S: every time)."""

    news: tuple[EventKind, ...] = Field(min_length=1)
    subject: Literal["order", "parcel", "contact", "review"] = "order"
    when: Condition | None = Field(default=None, alias="if")
    again_after: Duration | None = None
    # While a run of this flow for the same contact is under way: run beside it, do not start, or end the older one.
    if_running: Literal["passive", "skip", "interrupt"] = "passive"
    words: tuple[Annotated[str, StringConstraints(min_length=1, max_length=60)], ...] = ()  # of message_received
    intents: tuple[IntentName, ...] = ()  # of message_received: what services.understanding takes it for; or `words`
    after: Duration | None = None  # of contact_silent and purchase_aged
    working_days: int | None = Field(default=None, ge=1, le=30)  # of parcel_stalled: without a scan, same country
    working_days_abroad: int | None = Field(default=None, ge=1, le=60)
    date: Annotated[str, StringConstraints(pattern=r"^(\d\d-\d\d|contact\.[a-z]+(_[a-z0-9]+)*)?$")] = (
        ""  # of date_reached: "12-01" each year, or "contact.birthday"
    )
    offset: Offset = timedelta(0)

    @model_validator(mode="after")
    def _has_its_measure(self) -> "TriggerSpec":
        needs = {
            EventKind.CONTACT_SILENT: ("after", self.after),
            EventKind.PURCHASE_AGED: ("after", self.after),
            EventKind.PARCEL_STALLED: ("working_days", self.working_days),
            EventKind.DATE_REACHED: ("date", self.date),
        }
        for news, (name, value) in needs.items():
            if news in self.news and not value:
                raise ValueError(f"{news.value} needs {name}")
        return self


class Exit(_Part):
    """Ends the run, and drops what it has not sent yet. Judged before each step."""

    reason: str = Field(max_length=200)
    news: tuple[EventKind, ...] = ()  # empty: whenever `if` holds
    when: Condition | None = Field(default=None, alias="if")


class Goal(_Part):
    """What the flow is for. Reached once; with `ends` the run is then over."""

    name: Id
    title: str = Field(default="", max_length=120)
    news: tuple[EventKind, ...] = ()  # empty: whenever `if` holds
    when: Condition | None = Field(default=None, alias="if")
    ends: bool = True

    @model_validator(mode="after")
    def _is_something(self) -> "Goal":
        if not self.news and self.when is None:
            raise ValueError("a goal needs news or a condition")
        return self


class Listener(_Part):
    """News that is told as it comes, whatever the run waits for: its own thread, beginning at `goto`."""

    news: tuple[EventKind, ...] = Field(min_length=1)
    when: Condition | None = Field(default=None, alias="if")
    goto: Id


class Parameter(_Part):
    name: Id
    value: str  # Liquid
    sample: str  # Meta wants one


class TemplateSpecification(_Part):
    """Meta's: what goes out when the messaging window is closed. Its body stands with the texts, as {{1}}, {{2}}."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
    category: Literal["UTILITY", "MARKETING"] = "UTILITY"
    parameters: tuple[Parameter, ...] = ()


class NoOffer(_Part):
    """Somebody's word that these sentences are no offer: flows.offer_lint. Who changes one of them is asked again."""

    by: str = Field(default="", max_length=64)  # Shopify user id
    at: str = Field(default="", max_length=40)  # ISO 8601
    said: tuple[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")], ...] = Field(default=(), max_length=400)


class MessageSpec(_Part):
    purpose: Purpose
    no_offer: NoOffer | None = None
    requires: tuple[str, ...] = ()  # facts without which it is not said; the step is then skipped, with the reason
    useful_for: Duration | None = None  # later it is no longer true; it is then not sent
    tells: Id | Literal[""] = ""  # "shipped": where two flows tell the same of one parcel, only one of them does
    url: str = ""  # Liquid; with the wording's `url_title` it is a button
    template: TemplateSpecification | None = None


class Wording(_Part):
    text: str = Field(min_length=1)  # Liquid
    to_translate: str = Field(default="", max_length=16)  # a copy of this language's words, not said while it has them
    subject: str = ""
    preheader: str = ""
    choices: dict[str, str] = {}
    list_title: str = ""
    url_title: str = ""
    template: str = ""  # body for Meta
    forms: dict[
        ChannelKind, Annotated[str, StringConstraints(min_length=1)]
    ] = {}  # the text for one network; filled in to nothing: `text`


class LanguageTexts(_Part):
    messages: dict[Id, Wording] = {}
    words: dict[Id, str] = {}  # {{ words.carrier }}: what stands where a value is not known


@dataclass(frozen=True)
class Problem:
    path: str  # "steps.ask_rating.on_timeout"
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DocumentError(ValueError):
    """The document cannot be used. `problems` says where and why, in plain words."""

    def __init__(self, problems: list[Problem]):
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class _Titles(Titles):
    def __init__(self, languages: Mapping[str, LanguageTexts]):
        self._found: dict[str, dict[str, list[str]]] = {}
        for language in languages.values():
            for message, wording in language.messages.items():
                found = self._found.setdefault(message, {})
                for choice, title in wording.choices.items():
                    found.setdefault(choice, []).append(title.strip().rstrip(".!").strip().casefold())

    def choices(self, message: str) -> dict[str, list[str]]:
        return self._found.get(message, {})


class FlowDocument(_Part):
    schema_version: Literal[1] = Field(default=1, alias="schema")
    key: Id
    name: str = Field(min_length=1, max_length=120)
    description: str = ""
    trigger: TriggerSpec
    exits: tuple[Exit, ...] = ()
    goals: tuple[Goal, ...] = ()
    start: Id
    steps: dict[Id, AnyStep] = Field(min_length=1, max_length=200)
    listeners: tuple[Listener, ...] = ()
    messages: dict[Id, MessageSpec] = {}
    texts: dict[str, LanguageTexts]

    @cached_property
    def titles(self) -> Titles:
        return _Titles(self.texts)

    @cached_property
    def purposes(self) -> frozenset[str]:
        """What it writes for of its own accord; answers go without saying."""
        return frozenset(spec.purpose.value for spec in self.messages.values()) - {Purpose.SERVICE.value}

    @cached_property
    def asks_for(self) -> frozenset[str]:
        """Facts that cost a query each and are gathered only where the document names them."""
        written = str(self.to_json())
        named = {name for name in COSTLY_FACTS if f"{name}." in written}
        return frozenset(named | {"guide"} if any(step.kind == "send_guide" for step in self.steps.values()) else named)

    @cached_property
    def hears(self) -> frozenset[str]:
        """All news that starts it, ends it or is told in it."""
        parts: list[TriggerSpec | Exit | Goal | Listener] = [self.trigger, *self.exits, *self.goals, *self.listeners]
        return frozenset(news.value for part in parts for news in part.news)

    @cached_property
    def requirements(self) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        """Message id: the paths of the facts that it needs."""
        return {
            name: tuple(tuple(path.split(".")) for path in spec.requires)
            for name, spec in self.messages.items()
            if spec.requires
        }

    def languages_for(self, language: str, default: str = "") -> Iterable[str]:
        """The fall-back chain: pt-BR, pt, any pt-*, the shop's default, English, whatever there is."""
        base = language.split("-")[0].lower()
        by_lower = {tag.lower(): tag for tag in self.texts}
        chain = [language.lower(), base, *(tag for tag in by_lower if tag.split("-")[0] == base)]
        chain += [default.lower(), default.split("-")[0].lower(), FALLBACK_LANGUAGE, *by_lower]
        return dict.fromkeys(by_lower[tag] for tag in chain if tag in by_lower)

    def wording(self, message: str, language: str, default: str = "") -> tuple[str, Wording] | None:
        """(language, wording) of the first language of the chain that has this message in words of its own."""
        chain = self.languages_for(language, default)
        found = [(tag, self.texts[tag].messages[message]) for tag in chain if message in self.texts[tag].messages]
        return next((one for one in found if not one[1].to_translate), found[0] if found else None)

    def word(self, name: str, language: str, default: str = "") -> str:
        for tag in self.languages_for(language, default):
            if name in self.texts[tag].words:
                return self.texts[tag].words[name]
        return ""

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def load(document: Mapping[str, Any]) -> FlowDocument:
    """The checked document. Raises DocumentError with every problem found."""
    try:
        loaded = FlowDocument.model_validate(document)
    except ValidationError as error:
        raise DocumentError([_problem(found) for found in error.errors(include_url=False)]) from error
    if found := list(problems(loaded)):
        raise DocumentError(found)
    return loaded


_PLAINLY = {  # pydantic's kinds of error
    "string_too_long": "“{field}” is too long: {max_length} characters at most",
    "string_too_short": "“{field}” is empty",
    "too_long": "“{field}” has too many: {max_length} at most",
    "too_short": "“{field}” has too few: {min_length} at least",
    "greater_than_equal": "“{field}” must be at least {ge}",
    "less_than_equal": "“{field}” must be at most {le}",
}


def _problem(error: Any) -> Problem:
    kinds = KINDS
    path = [str(part) for part in error["loc"]]
    if len(path) > 2 and path[0] == "steps" and path[2] in kinds:
        del path[2]  # pydantic names the member of the union too
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "there is no such setting"
    elif error["type"] == "missing":
        message = "is missing"
    elif error["type"] == "union_tag_invalid":
        message = f"unknown kind of step {error['ctx']['tag']!r}; known are {', '.join(sorted(kinds))}"
    elif error["type"] in _PLAINLY:
        message = _PLAINLY[error["type"]].format(field=path[-1].replace("_", " "), **error["ctx"])
    return Problem(".".join(path), message)


def problems(document: FlowDocument) -> Iterable[Problem]:
    """What pydantic cannot see: ways that lead nowhere, circles without a wait, texts that are missing or broken."""
    yield from _ways(document)
    yield from _circles(document)
    yield from _goals(document)
    used = {message for step in document.steps.values() for _, message in step.messages()}
    for message in sorted(used & document.messages.keys()):
        if document.wording(message, FALLBACK_LANGUAGE) is None:
            yield Problem(f"messages.{message}", "has no text in any language")
    for language, spoken in document.texts.items():
        for message, wording in spoken.messages.items():
            yield from _wording(document, f"texts.{language}.messages.{message}", message, wording)
        for name, word in spoken.words.items():
            yield from _liquid(f"texts.{language}.words.{name}", word)


def _ways(document: FlowDocument) -> Iterable[Problem]:
    steps = document.steps
    if document.start not in steps:
        yield Problem("start", f"there is no step {document.start!r}")
    for index, listener in enumerate(document.listeners):
        if listener.goto not in steps:
            yield Problem(f"listeners.{index}.goto", f"there is no step {listener.goto!r}")
    for name, step in steps.items():
        for field, target in step.targets():
            if target is not None and target not in steps:
                yield Problem(f"steps.{name}.{field}", f"there is no step {target!r}")
        for field, message in step.messages():
            if message not in document.messages:
                yield Problem(f"steps.{name}.{field}", f"there is no message {message!r}")


def _goals(document: FlowDocument) -> Iterable[Problem]:
    names = [goal.name for goal in document.goals]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem("goals", f"there are two goals {name!r}")
    for step_id, step in document.steps.items():
        wanted = getattr(step, "goal", None)
        if wanted is not None and wanted not in names:
            yield Problem(f"steps.{step_id}.goal", f"there is no goal {wanted!r}")
        if step.kind == "give_consent" and step.asked_in not in document.messages:
            yield Problem(f"steps.{step_id}.asked_in", f"there is no message {step.asked_in!r}")
        if (saved := getattr(step, "save_as", "")) and (saved in RESERVED or saved.startswith("variant_")):
            yield Problem(
                f"steps.{step_id}.save_as", f"the flow itself keeps something as {saved!r}: choose another name"
            )
        if text := (step.text if step.kind == "note" else ""):
            yield from _liquid(f"steps.{step_id}.text", text)


def _circles(document: FlowDocument) -> Iterable[Problem]:
    """A circle of steps none of which must wait would never end."""
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> Iterable[Problem]:
        if name in path:
            circle = " -> ".join((*path[path.index(name) :], name))
            yield Problem(f"steps.{name}", f"goes round without waiting: {circle}")
            return
        if name in done or name not in document.steps:
            return
        for target in document.steps[name].passes():
            if target is not None:
                yield from walk(target, (*path, name))
        done.add(name)

    for name in document.steps:
        yield from walk(name, ())


def _liquid(path: str, text: str) -> Iterable[Problem]:
    for message in texts.problems(text):
        yield Problem(path, message)


def _wording(document: FlowDocument, path: str, message: str, wording: Wording) -> Iterable[Problem]:
    for field in ("text", "subject", "preheader"):
        yield from _liquid(f"{path}.{field}", getattr(wording, field))
    for kind, form in wording.forms.items():
        yield from _liquid(f"{path}.forms.{kind.value}", form)
    for choice, title in wording.choices.items():
        if not 0 < len(title.strip()) <= 24:
            yield Problem(f"{path}.choices.{choice}", "a tap is called by 1 to 24 characters")
    spec = document.messages.get(message)
    if spec is not None and spec.template is not None and wording.template:
        yield from template_problems(f"{path}.template", wording.template, len(spec.template.parameters))


def template_problems(path: str, body: str, parameters: int) -> Iterable[Problem]:
    """Meta's rules for template bodies (message templates, 2026-09): errors 2388293 and 2388299 otherwise."""
    numbers = [int(number) for number in _PLACE.findall(body)]
    if sorted(set(numbers)) != list(range(1, parameters + 1)):
        yield Problem(path, f"must use each of {{{{1}}}} to {{{{{parameters}}}}}")
    bare = body.strip()
    if bare.startswith("{{") or re.search(r"\}\}[\s.!?…。]*$", bare):
        yield Problem(path, "may not begin or end with a value")
    if re.search(r"\}\}\s*\{\{", bare):
        yield Problem(path, "two values may not stand side by side")
    if len(body) > MAX_TEMPLATE_BODY:
        yield Problem(path, f"is longer than {MAX_TEMPLATE_BODY} characters")


def in_each_language(
    document: Mapping[str, Any],
    languages: Iterable[str],
    look: Callable[[FlowDocument, str], Iterable[Problem]],
) -> list[Problem]:
    """Of a document that can be read; of another the editor says what is wrong with it."""
    try:
        readable = FlowDocument.model_validate(document)
    except ValueError:
        return []
    return [problem for tag in languages if tag in readable.texts for problem in look(readable, tag)]
