"""Every kind of step. A new one is a file in steps/ and a name in the union."""

from typing import Annotated

from pydantic import Field

from .steps.add_photo import AddPhoto
from .steps.ask import Ask
from .steps.branch import Branch
from .steps.collect_review import CollectReview
from .steps.end import End
from .steps.hand_off import HandOffToPerson
from .steps.reward import Reward
from .steps.send import Send
from .steps.tag import TagContact
from .steps.wait import Wait

AnyStep = Annotated[
    Send | Ask | Wait | Branch | CollectReview | AddPhoto | Reward | TagContact | HandOffToPerson | End,
    Field(discriminator="kind"),
]
