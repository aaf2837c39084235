from .doors import gateway_is_right, twilio_is_right
from .driver import Sms

__all__ = ["Sms", "gateway_is_right", "twilio_is_right"]
