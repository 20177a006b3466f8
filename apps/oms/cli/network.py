"""Network commands: one HTTP request each, the server's JSON unchanged."""

import argparse
import http.client
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from oms.cli.output import Failed

_STATUSES = {401: 3, 403: 3, 404: 4, 422: 2, 504: 5, 503: 6}
_HISTORIES = {
    "orders-history": "/oms/orders/history",
    "deals": "/oms/deals",
    "positions-history": "/oms/positions/history",
}


def send_order(parsed: argparse.Namespace) -> Any:
    """``send_order``."""
    names = ("symbol", "side", "order_type", "qty", "price", "strategy_id", "position_id")
    more = ("client_order_id", "stop_loss", "stop_gain", "comment")
    payload = _present(parsed, names + more) | {"reduce_only": parsed.reduce_only}
    wait = {} if parsed.wait_ms is None else {"wait_ms": parsed.wait_ms}
    return _command(parsed, "send_order", payload, wait)


def change_order(parsed: argparse.Namespace) -> Any:
    """``change_order``."""
    payload = _present(parsed, ("order_id", "new_price", "new_qty"))
    return _command(parsed, "change_order", payload)


def cancel_order(parsed: argparse.Namespace) -> Any:
    """``cancel_order``."""
    return _command(parsed, "cancel_order", {"order_id": parsed.order_id})


def close_position(parsed: argparse.Namespace) -> Any:
    """``close_position``."""
    names = ("position_id", "order_type", "price", "qty", "strategy_id", "comment")
    return _command(parsed, "close_position", _present(parsed, names))


def read_open(parsed: argparse.Namespace) -> Any:
    """Open orders or positions."""
    entity = parsed.command.partition("-")[0]
    query = _present(parsed, ("account_ids", "strategy_id", "limit"))
    return request(parsed, "GET", f"/oms/{entity}/open", query)


def read_history(parsed: argparse.Namespace) -> Any:
    """Rows of a window of days."""
    today = datetime.now(UTC).date()
    query = _present(parsed, ("account_ids", "strategy_id", "page", "page_size"))
    query["start_date"] = parsed.start_date or str(today - timedelta(days=parsed.days_back))
    query["end_date"] = parsed.end_date or str(today)
    return request(parsed, "GET", _HISTORIES[parsed.command], query)


def read_plain(parsed: argparse.Namespace) -> Any:
    """A GET without parameters."""
    return request(parsed, "GET", parsed.path, {})


def request(
    parsed: argparse.Namespace,
    method: str,
    path: str,
    query: dict[str, Any],
    body: Any = None,
) -> Any:
    """The JSON answer to one request. Raises ``Failed`` with the exit status of its code."""
    parts = urlsplit(parsed.base_url)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        raise Failed(f"--base-url {parsed.base_url!r} is no http address", status=2)
    dial = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = dial(parts.hostname, parts.port, timeout=parsed.timeout)
    headers = {"content-type": "application/json", "x-api-key": parsed.api_key or ""}
    target = parts.path.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
    text = None if body is None else json.dumps(body)
    try:
        connection.request(method, target, text, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except TimeoutError:
        raise Failed(f"no answer from {parsed.base_url} in time", status=5) from None
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise Failed(f"{parsed.base_url} cannot be reached: {problem}", status=6) from None
    finally:
        connection.close()
    if response.status >= 400:
        raise _refused(response.status, answer)
    if response.status == 207:
        raise Failed("some commands failed", status=1, answer=answer)
    return answer


def _command(
    parsed: argparse.Namespace,
    command: str,
    payload: dict[str, Any],
    query: dict[str, Any] | None = None,
) -> Any:
    body = {"account_id": parsed.account_id, "command": command, "payload": payload}
    return request(parsed, "POST", "/oms/commands", query or {}, body)


def _present(parsed: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(parsed, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _refused(status: int, answer: Any) -> Failed:
    detail = answer.get("detail", {}) if isinstance(answer, dict) else {}
    message = f"{detail.get('code', status)}: {detail.get('message', 'the server said no')}"
    return Failed(message, status=_STATUSES.get(status, 1), answer=answer)
