"""Network commands: one HTTP request each; the server's JSON is returned unchanged."""

import argparse
import http.client
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from oms.cli.flags import parse_ids
from oms.cli.output import CommandFailed, shows_tables
from oms.cli.settings import environment, prompt_secret, read_secret

DEFAULT_URL = "http://127.0.0.1:8000"
#: How long a command entered on a terminal waits for its result.
WAIT_MS = 10_000
#: The server must respond this long before the command's own timeout.
RESPONSE_MARGIN_MS = 1000
#: Exit statuses of error codes that are more exact than the HTTP status.
_CODES = {"exchange_unavailable": 6, "outcome_unknown": 5, "timeout": 5}
_STATUSES = {400: 2, 401: 3, 403: 3, 404: 4, 413: 2, 422: 2, 503: 6, 504: 5}
_HISTORIES = {
    "orders-history": "/oms/orders/history",
    "deals": "/oms/deals",
    "positions-history": "/oms/positions/history",
}
_ORDER_FILTERS = ("symbol", "status", "reason", "signal_id", "source_id", "group_id")

_SINGLE_LEVELS = (
    *("stop_loss", "stop_gain", "stop_loss_pct", "stop_gain_pct", "stop_trailing_pct"),
    *("stop_trailing_amount", "stop_trailing_activation_pct", "max_hold_seconds"),
)
_LEVELS = (*_SINGLE_LEVELS, "targets", "stop_trailing_from_target", "tp_sl_base_price")
_TERMS = (
    *("new_price", "new_qty", "new_trigger_price", "new_trailing_amount", "new_trailing_percent"),
    *("new_time_in_force", "new_expires_at"),
)
_CLEARED = ("none", ["none"])


def send_order(parsed: argparse.Namespace) -> Any:
    """``send_order``."""
    return _command(parsed, "send_order", _order(parsed), _present(parsed, ("wait_ms",)))


def preview(parsed: argparse.Namespace) -> Any:
    """Return what ``send_order`` would do, without sending the order."""
    body = {"account_id": parsed.account_id, "command": "send_order", "payload": _order(parsed)}
    query = _present(parsed, ("wait_ms",))
    return request(parsed, "POST", "/oms/commands/preview", query, body)


def _order(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the payload of an order."""
    names = ("symbol", "side", "order_type", "qty", "price", "strategy_id", "position_id")
    more = ("client_order_id", "time_in_force", "expires_at", "session_policy", *_LEVELS, "comment")
    payload = _present(parsed, names + more) | {"reduce_only": parsed.reduce_only}
    return payload | _bracket(parsed)


def _bracket(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the bracket of an order, a value that ends in % as a percentage."""
    bracket: dict[str, dict[str, str]] = {}
    for name, price in (("take_profit", "price"), ("stop_loss", "trigger_price")):
        value: str | None = getattr(parsed, f"bracket_{name}")
        if value is not None:
            is_percent = value.endswith("%")
            bracket[name] = {"pct" if is_percent else price: value.removesuffix("%")}
    if parsed.bracket_stop_limit is not None:
        bracket.setdefault("stop_loss", {})["limit_price"] = parsed.bracket_stop_limit
    return {"bracket": bracket} if bracket else {}


def send_oco(parsed: argparse.Namespace) -> Any:
    """``send_oco``; by default only to reduce a position."""
    names = ("symbol", "side", "qty", "limit_price", "trigger_price", "stop_limit_price")
    more = ("position_id", "strategy_id", "client_order_id", "comment")
    payload = _present(parsed, names + more) | {"reduce_only": not parsed.opens}
    return _command(parsed, "send_oco", payload, {})


def change_order(parsed: argparse.Namespace) -> Any:
    """``change_order``; the word none clears a level."""
    sent = _present(parsed, ("order_id", *_TERMS, *_SINGLE_LEVELS, "comment"))
    payload = {name: None if value == "none" else value for name, value in sent.items()}
    return _command(parsed, "change_order", payload, {})


def cancel_order(parsed: argparse.Namespace) -> Any:
    """``cancel_order``."""
    return _command(parsed, "cancel_order", _present(parsed, ("order_id", "comment")), {})


def cancel_all(parsed: argparse.Namespace) -> Any:
    """``cancel_all_orders``."""
    names = ("symbol", "strategy_ids", "comment")
    return _command(parsed, "cancel_all_orders", _present(parsed, names), {})


def close_position(parsed: argparse.Namespace) -> Any:
    """``close_position``."""
    names = ("position_id", "order_type", "price", "qty", "qty_pct", "strategy_id", "comment")
    return _command(parsed, "close_position", _present(parsed, names), {})


def change_position(parsed: argparse.Namespace) -> Any:
    """``position_change``; the word none clears a level."""
    sent = _present(parsed, ("position_id", *_LEVELS, "comment"))
    payload = {name: None if value in _CLEARED else value for name, value in sent.items()}
    return _command(parsed, "position_change", payload, {})


def break_even(parsed: argparse.Namespace) -> Any:
    """``break_even``."""
    return _command(parsed, "break_even", _present(parsed, ("position_id", "comment")), {})


def reverse_position(parsed: argparse.Namespace) -> Any:
    """``reverse_position``."""
    return _command(parsed, "reverse_position", _present(parsed, ("position_id", "comment")), {})


def close_by(parsed: argparse.Namespace) -> Any:
    """``close_by``."""
    names = ("position_id_a", "position_id_b", "strategy_id", "qty", "comment")
    return _command(parsed, "close_by", _present(parsed, names), {})


def reassign_position(parsed: argparse.Namespace) -> Any:
    """Move orders with their deals and positions to another strategy."""
    names = ("account_id", "order_ids", "deal_ids", "target_strategy_id", "target_position_id")
    body = _present(parsed, names)
    return request(parsed, "POST", "/oms/reassign", {}, body, parsed.comment)


def create_strategy(parsed: argparse.Namespace) -> Any:
    """Create a strategy on accounts."""
    names = ("name", "account_ids", "client_strategy_id")
    return request(parsed, "POST", "/strategies", {}, _present(parsed, names))


def reconcile(parsed: argparse.Namespace) -> Any:
    """Reconcile accounts, by default all that the key may read.

    Raises ``CommandFailed`` with the whole answer if some of them failed.
    """
    body = _present(parsed, ("account_id", "scope", "start_date", "end_date"))
    for name in ("account_ids", "symbols_hint"):
        if getattr(parsed, name):
            body[name] = getattr(parsed, name)
    answer = request(parsed, "POST", "/oms/reconcile", {}, body, parsed.comment)
    if not answer["ok"]:
        failed = [str(row["account_id"]) for row in answer["results"] if not row["ok"]]
        raise CommandFailed(f"not reconciled: {', '.join(failed)}", status=1, answer=answer)
    return answer


def reconcile_status(parsed: argparse.Namespace) -> Any:
    """Return how recently accounts were reconciled."""
    query = _present(parsed, ("status", "stale_after_seconds"))
    one = "" if parsed.account_id is None else f"/{parsed.account_id}"
    return request(parsed, "GET", f"/oms/reconcile{one}/status", query)


def health(parsed: argparse.Namespace) -> Any:
    """Return the health of the gateway. Raises ``CommandFailed`` if a part of it is not well."""
    try:
        report = request(parsed, "GET", "/health", {})
    except CommandFailed as failed:
        if not isinstance(failed.answer, dict) or "parts" not in failed.answer:
            raise
        report = failed.answer
    unwell = [name for name, part in report["parts"].items() if not part["ok"]]
    if unwell:
        message = f"{report['status']}: {', '.join(unwell)}"
        raise CommandFailed(message, status=7, answer=report)
    return report


def read_open(parsed: argparse.Namespace) -> Any:
    """Return open orders or positions."""
    entity = parsed.command.partition("-")[0]
    names = ("strategy_id", "limit", *(_ORDER_FILTERS if entity == "orders" else ()))
    query = {"account_ids": account_ids(parsed)} | _present(parsed, names)
    return request(parsed, "GET", f"/oms/{entity}/open", query)


def read_history(parsed: argparse.Namespace) -> Any:
    """Return the rows of a range of days."""
    today = datetime.now(UTC).date()
    query = {"account_ids": account_ids(parsed)}
    filters = _ORDER_FILTERS if parsed.command == "orders-history" else ()
    query |= _present(parsed, ("strategy_id", "page", "page_size", *filters))
    query["start_date"] = parsed.start_date or str(today - timedelta(days=parsed.days_back))
    query["end_date"] = parsed.end_date or str(today)
    return request(parsed, "GET", _HISTORIES[parsed.command], query)


def order_lineage(parsed: argparse.Namespace) -> Any:
    """Return where an order came from and what it led to."""
    return request(parsed, "GET", f"/oms/orders/{parsed.order_id}/lineage", {})


def account_groups(parsed: argparse.Namespace) -> Any:
    """List groups of accounts; with a name create one. Raises ``CommandFailed``."""
    if parsed.delete is not None:
        return request(parsed, "DELETE", f"/account-groups/{parsed.delete}", {})
    if parsed.name is None:
        return request(parsed, "GET", "/account-groups", {})
    kind = "equity_weight" if parsed.by_equity else "ratio"
    members = []
    for text in parsed.members or ():
        account, _, figure = text.partition("=")
        if not account.isdigit() or not figure:
            raise CommandFailed("--members takes ACCOUNT=NUMBER, as 1=0.5", status=2)
        members.append({"account_id": int(account), kind: figure})
    body = {"name": parsed.name, "members": members}
    return request(parsed, "POST", "/account-groups", {}, body)


def read_plain(parsed: argparse.Namespace) -> Any:
    """Send a GET without parameters."""
    return request(parsed, "GET", parsed.path, {})


def paper_price(parsed: argparse.Namespace) -> Any:
    """Set a manual price."""
    names = ("symbol", "account_id", "price", "bid", "ask", "bid_qty", "ask_qty")
    return request(parsed, "POST", "/paper/price", {}, _present(parsed, names))


def paper_deposit(parsed: argparse.Namespace) -> Any:
    """Deposit money into a paper account."""
    path = f"/paper/{parsed.account_id}/deposit"
    return request(parsed, "POST", path, {}, _present(parsed, ("currency", "amount", "comment")))


def paper_reset(parsed: argparse.Namespace) -> Any:
    """Reset a paper account to its initial balances."""
    path = f"/paper/{parsed.account_id}/reset"
    return request(parsed, "POST", path, {}, _present(parsed, ("comment",)))


def account_ids(parsed: argparse.Namespace) -> str:
    """Return ``--account-ids``, else those that the key may read. Raises ``CommandFailed``."""
    named = getattr(parsed, "account_ids", None)
    if named:
        return str(named)
    rows = request(parsed, "GET", "/oms/accounts", {})["items"]
    readable = [str(row["account_id"]) for row in rows if row["can_read"]]
    if not readable:
        raise CommandFailed("the key may read no account", status=3)
    return ",".join(readable)


def account_id_list(parsed: argparse.Namespace) -> list[int]:
    """Return the ids of ``account_ids``, at least one. Raises ``CommandFailed``."""
    try:
        ids = parse_ids(account_ids(parsed))
    except ValueError:
        ids = []
    if not ids:
        raise CommandFailed("--account-ids is a list of account ids, as 1,2,3", status=2)
    return ids


def request(
    parsed: argparse.Namespace,
    method: str,
    path: str,
    query: dict[str, Any],
    body: Any = None,
    comment: str | None = None,
    parse_float: Callable[[str], Any] | None = None,
) -> Any:
    """Send one request and return its JSON, or the text of a page.

    Raises ``CommandFailed`` with the exit status.
    """
    base_url = server_url(parsed)
    parts = urlsplit(base_url)
    connection_type = (
        http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    )
    headers = {"content-type": "application/json"}
    if comment:
        if not comment.isascii() or not comment.isprintable():
            raise CommandFailed("--comment has printable ASCII characters only", status=2)
        headers["x-comment"] = comment
    if parsed.command != "healthz":
        headers["x-api-key"] = api_key(parsed)
    target = parts.path.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
    connection = connection_type(parts.hostname or "", parts.port, timeout=parsed.timeout)
    try:
        connection.request(method, target, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        content = response.read()
        is_page = response.headers.get_content_type() == "text/html"
        answer = content.decode() if is_page else json.loads(content, parse_float=parse_float)
    except TimeoutError:
        raise CommandFailed(
            f"no response from {base_url} within {parsed.timeout:g} s", status=5
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CommandFailed(f"{base_url} cannot be reached: {error}", status=6) from None
    finally:
        connection.close()
    return _check_status(parsed, response.status, answer)


def server_url(parsed: argparse.Namespace) -> str:
    """Return the server's URL. Raises ``CommandFailed`` if it is not an HTTP URL."""
    url = str(parsed.base_url or environment().get("OMS_BASE_URL") or DEFAULT_URL)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CommandFailed(f"--base-url {url!r} is not an HTTP URL", status=2)
    return url


def _check_status(parsed: argparse.Namespace, status: int, answer: Any) -> Any:
    """Return the body of a success. Raises ``CommandFailed`` with the body of anything else."""
    if status >= 400:
        detail = answer.get("detail") if isinstance(answer, dict) else None
        error = detail if isinstance(detail, dict) else {}
        message = f"{error.get('code', status)}: {error.get('message', 'the request failed')}"
        exit_status = _CODES.get(error.get("code", ""), _STATUSES.get(status, 1))
        raise CommandFailed(message, status=exit_status, answer=answer)
    if status == 207:
        raise CommandFailed("some commands failed", status=1, answer=answer)
    if status == 202 and getattr(parsed, "wait_ms", None) != 0:
        message = f"not finished in time; it continues{_named(answer)}"
        raise CommandFailed(message, status=5, answer=answer)
    return answer


def _named(answer: Any) -> str:
    """Return which order or command an answer is about, to be looked up later."""
    results = answer.get("results") if isinstance(answer, dict) else None
    for name in ("order_id", "command_id"):
        if results and results[0].get(name):
            return f" ({name} {results[0][name]})"
    return ""


def api_key(parsed: argparse.Namespace) -> str:
    """Return the API key; it is read or asked for once. Raises ``CommandFailed`` without one."""
    key = (
        getattr(parsed, "read_api_key", None)
        or read_secret(parsed, "api-key")
        or environment().get("OMS_API_KEY")
        or prompt_secret("API key")
    )
    if not key:
        raise CommandFailed("an API key is needed: --api-key or OMS_API_KEY", status=2)
    if not key.isascii() or not key.isprintable():
        raise CommandFailed("an API key has printable ASCII characters only", status=2)
    parsed.read_api_key = key
    return key


def _command(
    parsed: argparse.Namespace, command: str, payload: dict[str, Any], query: dict[str, Any]
) -> Any:
    group_id = getattr(parsed, "group_id", None)
    target = {"account_id": parsed.account_id} if group_id is None else {"group_id": group_id}
    body = target | {"command": command, "payload": payload}
    if shows_tables(parsed) and "wait_ms" not in query:
        # Only a request with a wait is answered with the rows that the view shows.
        wait_ms_max = max(0, int(parsed.timeout * 1000) - RESPONSE_MARGIN_MS)
        query = {"wait_ms": min(WAIT_MS, wait_ms_max)}
    return request(parsed, "POST", "/oms/commands", query, body)


def _present(parsed: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(parsed, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}
