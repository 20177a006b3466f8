"""Parts of paths: their schemas, and the parsing of ids; what is not an id is ``NotFound``."""

from typing import Annotated, Any

from fastapi import Path

from oms.domain.errors import NotFound
from oms.domain.ids import ID_MAX
from oms.wire.admin.row_mutations import ENTITIES
from oms.wire.parameters import ID_SCHEMA, IDS_SCHEMA

VIEWS = ("open_orders", "history_orders", "open_positions", "history_positions", "deals")
"""Views of ``/admin/oms/{view}``."""


def _text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern}


PathId = Annotated[str, Path(json_schema_extra={**ID_SCHEMA})]
PathIds = Annotated[str, Path(json_schema_extra={**IDS_SCHEMA})]
EntityName = Annotated[str, Path(json_schema_extra={"enum": list(ENTITIES)})]
ViewName = Annotated[str, Path(json_schema_extra={"enum": list(VIEWS)})]
MethodName = Annotated[str, Path(json_schema_extra=_text("^[A-Za-z][A-Za-z0-9_]{0,63}$"))]
StrategyName = Annotated[str, Path(json_schema_extra=_text("^[a-z0-9_]{1,64}$"))]
RunStrategyName = Annotated[str, Path(json_schema_extra=_text("^[a-z0-9_-]{1,64}$"))]
ExchangeName = Annotated[
    str, Path(json_schema_extra=_text(r"^[a-z0-9_]{1,48}(\.[a-z0-9_]{1,48})?$"))
]


def parse_key_id(text: str) -> int:
    """Return the id of an API key. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such API key"))


def parse_user_id(text: str) -> int:
    """Return the id of a user. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such user", code="user_not_found"))


def parse_session_id(text: str) -> int:
    """Return the id of a browser session. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such session"))


def parse_group_id(text: str) -> int:
    """Return the id of a group of accounts. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such group"))


def parse_strategy_id(text: str) -> int:
    """Return the id of a strategy. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such strategy", code="strategy_not_found"))


def parse_order_id(text: str) -> int:
    """Return the id of an order. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such order", code="order_not_found"))


def parse_position_id(text: str) -> int:
    """Return the id of a position. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such position", code="position_not_found"))


def parse_command_id(text: str) -> int:
    """Return the id of a command. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such command", code="command_not_found"))


def parse_kill_id(text: str) -> int:
    """Return the id of a kill switch. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such kill switch"))


def parse_deadman_id(text: str) -> int:
    """Return the id of a dead-man switch. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such dead-man switch"))


def parse_alert_id(text: str) -> int:
    """Return the id of a price alert. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such price alert"))


def parse_override_id(text: str) -> int:
    """Return the id of a session override. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such session override"))


def parse_share_link_id(text: str) -> int:
    """Return the id of a share link. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such share link"))


def parse_sink_id(text: str) -> int:
    """Return the id of a sink of notifications. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such sink"))


def parse_backtest_id(text: str) -> int:
    """Return the id of a backtest. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such backtest"))


def parse_delivery_id(text: str) -> int:
    """Return the id of a delivery of a notification. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such delivery"))


def parse_signal_id(text: str) -> int:
    """Return the id of a signal. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such signal"))


def parse_bot_id(text: str) -> int:
    """Return the id of a bot. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such bot"))


def parse_source_id(text: str) -> int:
    """Return the id of a source of signals. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such source of signals"))


def parse_discrepancy_id(text: str) -> int:
    """Return the id of a discrepancy. Raises ``NotFound``."""
    return _parse_id(text, NotFound("there is no such discrepancy"))


def _parse_id(text: str, error: NotFound) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 16 and 0 < int(text) <= ID_MAX:
        return int(text)
    raise error
