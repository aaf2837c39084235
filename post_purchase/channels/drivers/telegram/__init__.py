from .api import secret_is_right
from .driver import Telegram
from .parse import answer_at_once

__all__ = ["Telegram", "answer_at_once", "secret_is_right"]
