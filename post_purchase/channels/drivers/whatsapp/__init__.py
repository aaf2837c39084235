from .driver import WhatsApp

__all__ = ["WhatsApp"]
