"""Ids that paths of the desk name."""

from oms.domain.errors import NotFound
from oms.domain.ids import ID_MAX


def parse_key_id(text: str) -> int:
    """The key that a path names. Raises ``NotFound``."""
    return _number(text, NotFound("there is no such API key"))


def parse_user_id(text: str) -> int:
    """The user that a path names. Raises ``NotFound``."""
    return _number(text, NotFound("there is no such user", code="user_not_found"))


def parse_strategy_id(text: str) -> int:
    """The strategy that a path names. Raises ``NotFound``."""
    return _number(text, NotFound("there is no such strategy", code="strategy_not_found"))


def parse_order_id(text: str) -> int:
    """The order that a path names. Raises ``NotFound``."""
    return _number(text, NotFound("there is no such order", code="order_not_found"))


def parse_kill_id(text: str) -> int:
    """The kill switch that a path names. Raises ``NotFound``."""
    return _number(text, NotFound("there is no such kill switch"))


def parse_discrepancy_id(text: str) -> int:
    """The discrepancy that a path names. Raises ``NotFound``."""
    return _number(text, NotFound("there is no such discrepancy"))


def _number(text: str, wrong: NotFound) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 16 and 0 < int(text) <= ID_MAX:
        return int(text)
    raise wrong
