"""The words that rows, pure rules and pages share: one word per thing. No database in here."""

from django.db.models import TextChoices


class ChannelKind(TextChoices):
    WHATSAPP = "whatsapp", "WhatsApp"
    MESSENGER = "messenger", "Messenger"
    INSTAGRAM = "instagram", "Instagram"
    TELEGRAM = "telegram", "Telegram"
    SMS = "sms", "SMS"
    EMAIL = "email", "E-mail"
    WEBCHAT = "webchat", "Web chat"


class Purpose(TextChoices):
    """Why a message is written. It decides consent, quiet hours, caps and the network's category."""

    SERVICE = "service", "Answer to the shopper"  # a reply to what the shopper wrote; never capped
    UTILITY = "utility", "Order update"  # about this order: receipt, shipping, delivery
    REVIEW_REQUEST = "review_request", "Review request"
    MARKETING = "marketing", "Offer"


class MessageStatus(TextChoices):
    QUEUED = "queued", "Queued"
    HELD = "held", "Held"  # waits for a reason that the row names
    SENDING = "sending", "Sending"  # claimed; or the network may have taken it and we wait to hear
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    READ = "read", "Read"
    FAILED = "failed", "Failed"
    SUPPRESSED = "suppressed", "Not sent"  # decided not to send; the row says why
    RECEIVED = "received", "Received"  # inbound


class Mode(TextChoices):
    """How a network lets us speak to a person now."""

    FREE = "free", "Free text"  # inside the window, or the network has none
    TEMPLATE = "template", "Only an approved template"
    NONE = "none", "Not at all"


class Direction(TextChoices):
    IN = "in", "From the shopper"
    OUT = "out", "To the shopper"


class Author(TextChoices):
    SHOPPER = "shopper", "Shopper"
    FLOW = "flow", "Flow"
    ANSWER = "answer", "Automatic answer"
    PERSON = "person", "Team"


class ParcelState(TextChoices):
    """Shopify's FulfillmentEventStatus, in the order in which a parcel moves (PARCEL_RANK: only forward)."""

    LABEL = "label", "Label made"
    CONFIRMED = "confirmed", "Carrier told"
    IN_TRANSIT = "in_transit", "On its way"
    DELAYED = "delayed", "Delayed"
    OUT_FOR_DELIVERY = "out_for_delivery", "Out for delivery"
    ATTEMPTED = "attempted", "Delivery attempted"
    READY_FOR_PICKUP = "ready_for_pickup", "Ready for pick-up"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Could not be delivered"
    CANCELLED = "cancelled", "Cancelled"


PARCEL_RANK: dict[str, int] = {
    ParcelState.LABEL: 0,
    ParcelState.CONFIRMED: 1,
    ParcelState.IN_TRANSIT: 2,
    ParcelState.DELAYED: 2,
    ParcelState.OUT_FOR_DELIVERY: 3,
    ParcelState.ATTEMPTED: 3,
    ParcelState.READY_FOR_PICKUP: 4,
    ParcelState.DELIVERED: 5,
    ParcelState.FAILED: 5,
    ParcelState.CANCELLED: 6,
}


class EventKind(TextChoices):
    """What can start, resume or end a flow. Recorded as FlowEvent rows in the transaction that made them true."""

    ORDER_PLACED = "order_placed"
    ORDER_PAID = "order_paid"
    ORDER_EDITED = "order_edited"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_REFUNDED = "order_refunded"
    PARCEL_LABEL = "parcel_label"  # a label was made; the carrier has not seen the parcel yet
    PARCEL_SHIPPED = (
        "parcel_shipped"  # handed to the carrier: first scan, or Shopify's fulfillment where there are no scans
    )
    PARCEL_IN_TRANSIT = "parcel_in_transit"  # the carrier itself has scanned it on its way
    PARCEL_DELAYED = "parcel_delayed"
    PARCEL_STALLED = "parcel_stalled"  # no scan for some working days; flows.watching tells
    PARCEL_OUT_FOR_DELIVERY = "parcel_out_for_delivery"
    PARCEL_ATTEMPTED = "parcel_attempted"
    PARCEL_READY_FOR_PICKUP = "parcel_ready_for_pickup"
    PARCEL_DELIVERED = "parcel_delivered"
    DELIVERY_ASSUMED = "delivery_assumed"  # the estimate has passed and the carrier is silent
    RETURN_REQUESTED = "return_requested"
    PARCEL_FAILED = "parcel_failed"
    ORDER_DELIVERED = "order_delivered"  # all that has to travel is there; also when the rest is refunded
    CONVERSATION_STARTED = "conversation_started"  # a shopper's chat was bound to an order by a code
    MESSAGE_RECEIVED = "message_received"
    MEDIA_STORED = "media_stored"  # a photo of an earlier message is safely stored (or refused: data says which)
    REVIEW_WANTED = "review_wanted"  # the shopper tapped "review" on the order-status page
    REVIEW_GIVEN = "review_given"
    REVIEW_PHOTO_ADDED = "review_photo_added"  # the first photo of a review
    REWARD_ISSUED = "reward_issued"
    REWARD_FAILED = "reward_failed"
    CONSENT_GIVEN = "consent_given"
    OPTED_OUT = "opted_out"
    HANDED_OFF = "handed_off"
    CONVERSATION_CLOSED = "conversation_closed"
    CONTACT_SILENT = "contact_silent"  # nothing bought and nothing written for some days
    DATE_REACHED = "date_reached"  # a birthday, a season
    PURCHASE_AGED = "purchase_aged"  # some time has passed since this was bought
    STARTED_BY_HAND = "started_by_hand"
    SHOPIFY_FLOW = "shopify_flow"  # an action of Shopify Flow
    API_CALLED = "api_called"
    PRODUCTS_FOUND = "products_found"  # what fits, asked for by a run
    SHOP_UNINSTALLED = "shop_uninstalled"
    CONTACT_REDACTED = "contact_redacted"


class EmailTemplate(TextChoices):
    """Shopify's notification templates that a button can stand in. The value is one letter: it travels in the link."""

    ORDER_CONFIRMATION = "C", "Order confirmation"
    SHIPPING_CONFIRMATION = "S", "Shipping confirmation"
    OUT_FOR_DELIVERY = "W", "Out for delivery"  # on its way
    DELIVERED = "D", "Delivered"
    REFUND = "R", "Order refund"


class TouchpointKind(TextChoices):
    THANK_YOU_PAGE = "thank_you_page", "Thank-you page"
    ORDER_STATUS_PAGE = "order_status_page", "Order status page"
    EMAIL_BUTTON = "email_button", "Button in an e-mail"
    PACKAGE_INSERT = "package_insert", "Card in the parcel"
    PACKING_SLIP = "packing_slip", "Packing slip"
    STOREFRONT = "storefront", "Online store"
