"""Every kind of step. A new one is a file in steps/ and a name in the union."""

from typing import Annotated, get_args

from pydantic import Field

from .steps.add_photo import AddPhoto
from .steps.ask import Ask
from .steps.branch import Branch
from .steps.call_webhook import CallAddress
from .steps.close import Close
from .steps.collect_review import CollectReview
from .steps.digest import Digest
from .steps.end import End
from .steps.experiment import Experiment
from .steps.give_consent import KeepConsent
from .steps.hand_off import HandOffToPerson
from .steps.note import Note
from .steps.recommend import Recommend
from .steps.reward import Reward
from .steps.send import Send
from .steps.send_guide import SendGuide
from .steps.set_field import SetContactField
from .steps.split import Split
from .steps.start_flow import StartOther
from .steps.tag import TagContact
from .steps.trigger_shopify_flow import TriggerFlow
from .steps.wait import Wait

Steps = (
    Send
    | Ask
    | Wait
    | Branch
    | Split
    | Experiment
    | Digest
    | CollectReview
    | AddPhoto
    | Reward
    | Recommend
    | SendGuide
    | TagContact
    | SetContactField
    | KeepConsent
    | Note
    | HandOffToPerson
    | Close
    | CallAddress
    | TriggerFlow
    | StartOther
    | End
)
AnyStep = Annotated[Steps, Field(discriminator="kind")]
KINDS: tuple[str, ...] = tuple(get_args(member.model_fields["kind"].annotation)[0] for member in get_args(Steps))
