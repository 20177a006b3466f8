"""Ids in paths; what is not an id is ``NotFound``."""

from oms.domain.errors import NotFound
from oms.domain.ids import ID_MAX


def parse_key_id(text: str) -> int:
    """Return the id of an API key. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such API key"))


def parse_user_id(text: str) -> int:
    """Return the id of a user. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such user", code="user_not_found"))


def parse_strategy_id(text: str) -> int:
    """Return the id of a strategy. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such strategy", code="strategy_not_found"))


def parse_order_id(text: str) -> int:
    """Return the id of an order. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such order", code="order_not_found"))


def parse_kill_id(text: str) -> int:
    """Return the id of a kill switch. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such kill switch"))


def parse_discrepancy_id(text: str) -> int:
    """Return the id of a discrepancy. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such discrepancy"))


def _parse_id(text: str, error: NotFound) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 16 and 0 < int(text) <= ID_MAX:
        return int(text)
    raise error
