from .api_tokens import ApiToken
from .channels import Channel, ChannelStatus, MessageTemplate, TemplateStatus
from .consent import CheckoutConsent, ConsentEntry, ConsentState
from .contacts import Contact, ContactPoint, ContactPointAlias, OrderBinding
from .conversations import Attachment, AttachmentStatus, Conversation, DeliveryAttempt, Message, Note, ProviderStatus
from .flows import (
    Flow,
    FlowDraft,
    FlowEvent,
    FlowRun,
    FlowStatus,
    FlowVersion,
    OutgoingCall,
    RunEvent,
    RunMove,
    RunStatus,
    Timer,
)
from .orders import Order, OrderLine, Parcel, ParcelEvent
from .privacy import PrivacyRequest, PrivacyRequestKind
from .products import Product, ProductGuide, ProductSync
from .publications import Publication, PublicationKind
from .rehearsals import Rehearsal, RehearsalStatus, RehearsedMessage
from .reviews import Review, ReviewPhoto
from .rewards import Reward, RewardStatus
from .shop_settings import ShopSettings
from .suppressions import Suppression
from .touchpoints import (
    ChatStart,
    CodeGuess,
    Link,
    PageCheck,
    PrintBatch,
    PrintFile,
    PrintForm,
    PrintStatus,
    Scan,
    Touchpoint,
    VisitKey,
)
from .web_chat import WebPhoto

__all__ = [
    "ApiToken",
    "Attachment",
    "AttachmentStatus",
    "Channel",
    "ChannelStatus",
    "ChatStart",
    "CheckoutConsent",
    "CodeGuess",
    "ConsentEntry",
    "ConsentState",
    "Contact",
    "ContactPoint",
    "ContactPointAlias",
    "Conversation",
    "DeliveryAttempt",
    "Flow",
    "FlowDraft",
    "FlowEvent",
    "FlowRun",
    "FlowStatus",
    "FlowVersion",
    "Link",
    "Message",
    "MessageTemplate",
    "Note",
    "Order",
    "OrderBinding",
    "OrderLine",
    "OutgoingCall",
    "PageCheck",
    "Parcel",
    "ParcelEvent",
    "PrintBatch",
    "PrintFile",
    "PrintForm",
    "PrintStatus",
    "PrivacyRequest",
    "PrivacyRequestKind",
    "Product",
    "ProductGuide",
    "ProductSync",
    "ProviderStatus",
    "Publication",
    "PublicationKind",
    "Rehearsal",
    "RehearsalStatus",
    "RehearsedMessage",
    "Review",
    "ReviewPhoto",
    "Reward",
    "RewardStatus",
    "RunEvent",
    "RunMove",
    "RunStatus",
    "Scan",
    "ShopSettings",
    "Suppression",
    "TemplateStatus",
    "Timer",
    "Touchpoint",
    "VisitKey",
    "WebPhoto",
]
