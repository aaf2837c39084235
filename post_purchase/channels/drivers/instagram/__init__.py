from .driver import Instagram

__all__ = ["Instagram"]
