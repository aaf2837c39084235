from .driver import Messenger

__all__ = ["Messenger"]
