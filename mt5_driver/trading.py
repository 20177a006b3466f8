"""``order_send`` and ``order_check``: requests become commands, results become MetaTrader's.

A command carries a request id of its own and is sent once. If its answer is lost the gateway is
asked for the command of that id; nothing is sent again.
"""

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

from mt5_driver import constants as c
from mt5_driver.account_data import read_money
from mt5_driver.config import INSTANT
from mt5_driver.errors import AnswerLost, CallFailed, GatewayError, NotReached, TradeRefused
from mt5_driver.market_data import build_tick, read_ticker
from mt5_driver.numbers import read_decimal, surface
from mt5_driver.session import Session
from mt5_driver.structures import OrderCheckResult, OrderSendResult
from mt5_driver.symbols import Instrument
from mt5_driver.tickets import CLOSE_BY_ORDER
from mt5_driver.trade_commands import (
    Surroundings,
    TradeCommand,
    is_between_steps,
    plan_change,
    plan_close_by,
    plan_deal,
    plan_levels,
    plan_pending,
    plan_removal,
)
from mt5_driver.trade_requests import ExactRequest, echo_request, read_trade_request

#: How long the gateway waits for the end of a command.
WAIT_MS = 10_000
#: A lost answer is asked for so often, and so long after each other.
_ASKS_MAX = 5
_ASK_SECONDS = 0.5
_RECENT_COMMANDS = 200
#: The executions of a deal that is placed are asked for so often.
_EXECUTION_SECONDS = 0.05
_DONE_TEXT, _PLACED_TEXT = "Request executed", "Request placed"
_PREVIEWED = frozenset({"send_order", "close_position", "change_order"})


def send_request(session: Session, request: Any) -> OrderSendResult:
    """Sends a trade request; returns its result. Raises ``CallFailed`` if it could not be read."""
    wanted = read_trade_request(request)
    number = next(session.request_ids)
    try:
        instrument, planned = _plan(session, wanted)
        fields = _execute(session, instrument, wanted, planned)
    except TradeRefused as refused:
        fields = {"retcode": refused.retcode, "comment": refused.comment}
    return OrderSendResult(
        **{
            "retcode": 0,
            "deal": 0,
            "order": 0,
            "volume": 0.0,
            "price": 0.0,
            "bid": 0.0,
            "ask": 0.0,
            "comment": "",
            "retcode_external": 0,
            **fields,
            "request_id": number,
            "request": echo_request(wanted),
        }
    )


def check_request(session: Session, request: Any) -> OrderCheckResult:
    """Returns what a trade request would do, without sending it. Raises ``CallFailed``."""
    wanted = read_trade_request(request)
    retcode, comment, margin = 0, "Done", Decimal(0)
    try:
        _, planned = _plan(session, wanted, creates_strategy=False)
        if planned.command in _PREVIEWED:
            retcode, comment, margin = _preview(session, planned)
    except TradeRefused as refused:
        retcode, comment = refused.retcode, refused.comment
    money = read_money(session).fields(more_margin=margin)
    return OrderCheckResult(retcode=retcode, comment=comment, request=echo_request(wanted), **money)


def _plan(
    session: Session, request: ExactRequest, *, creates_strategy: bool = True
) -> tuple[Instrument | None, TradeCommand]:
    """Returns the command of a request. Raises ``TradeRefused``, ``CallFailed``."""
    if request.action == c.TRADE_ACTION_REMOVE:
        return None, plan_removal(request)
    positions = _open_positions(session, request)
    if not positions and _may_close_whole(session, request):
        positions = _read_positions(session)
    order = _find_order(session, request)
    position = _find_position(session, positions, request.position, request.symbol)
    row = order if request.action == c.TRADE_ACTION_MODIFY else position
    symbol = request.symbol or (row["symbol"] if row else "")
    instrument = session.catalog.find(symbol)
    if request.action == c.TRADE_ACTION_CLOSE_BY:
        other = _find_position(session, positions, request.position_by, "")
        around = Surroundings(position=position, position_by=other)
        return instrument, plan_close_by(request, around)
    if request.action not in _PLANS:
        raise TradeRefused(c.TRADE_RETCODE_INVALID, "Invalid action")
    if instrument is None:
        raise _unknown_symbol(request, symbol)
    if position is not None and position["symbol"] != instrument.symbol:
        comment = f"position {request.position} is one of {position['symbol']}"
        raise TradeRefused(c.TRADE_RETCODE_INVALID, comment)
    is_pending = request.action == c.TRADE_ACTION_PENDING
    around = Surroundings(
        strategy_id=_strategy(session, request) if creates_strategy else 0,
        is_hedging=session.is_hedging,
        is_instant=session.settings.execution == INSTANT,
        has_market_fok=session.account["engine"] == "paper",
        tick=build_tick(instrument, read_ticker(session, instrument)) if is_pending else None,
        position=position,
        order=order,
    )
    return instrument, _PLANS[request.action](request, instrument, around)


_PLANS: Mapping[int, Callable[[ExactRequest, Instrument, Surroundings], TradeCommand]] = {
    c.TRADE_ACTION_DEAL: plan_deal,
    c.TRADE_ACTION_PENDING: plan_pending,
    c.TRADE_ACTION_SLTP: plan_levels,
    c.TRADE_ACTION_MODIFY: plan_change,
}


def _strategy(session: Session, request: ExactRequest) -> int:
    is_new = request.action == c.TRADE_ACTION_PENDING or not request.position
    is_entry = is_new and request.action in (c.TRADE_ACTION_DEAL, c.TRADE_ACTION_PENDING)
    return session.magics.strategy_of(request.magic) if is_entry else 0


def _unknown_symbol(request: ExactRequest, symbol: str) -> TradeRefused:
    if request.action == c.TRADE_ACTION_MODIFY:
        return TradeRefused(c.TRADE_RETCODE_INVALID, f"there is no order {request.order}")
    if request.position and not symbol:
        comment = f"there is no open position {request.position}"
        return TradeRefused(c.TRADE_RETCODE_POSITION_CLOSED, comment)
    return TradeRefused(c.TRADE_RETCODE_INVALID, f"the account does not trade {symbol!r}")


def _open_positions(session: Session, request: ExactRequest) -> list[Any]:
    needs = request.action in (c.TRADE_ACTION_SLTP, c.TRADE_ACTION_CLOSE_BY) or request.position
    return _read_positions(session) if needs else []


def _may_close_whole(session: Session, request: ExactRequest) -> bool:
    """Whether a deal without a position may be the close of one that is between two steps."""
    if request.action != c.TRADE_ACTION_DEAL or request.position or session.is_hedging:
        return False
    instrument = session.catalog.find(request.symbol)
    return instrument is not None and is_between_steps(request, instrument)


def _read_positions(session: Session) -> list[Any]:
    query = {"account_ids": session.account_id, "view": "mt5", "limit": 5000}
    rows: list[Any] = session.client.get("/oms/positions/open", query)["items"]
    return rows


def _find_position(
    session: Session, positions: list[Any], ticket: int, symbol: str
) -> Mapping[str, Any] | None:
    """Returns the open position of a ticket; without one that of the symbol, if there is one."""
    by_id = {row["ticket"]: row for row in positions}
    if ticket:
        found = session.tickets.position_id_of(ticket, by_id)
        return None if found is None else by_id.get(found)
    instrument = session.catalog.find(symbol) if symbol and positions else None
    if instrument is None:
        return None
    rows = [row for row in positions if row["symbol"] == instrument.symbol]
    return rows[0] if len(rows) == 1 else None


def _find_order(session: Session, request: ExactRequest) -> Mapping[str, Any] | None:
    if request.action != c.TRADE_ACTION_MODIFY or request.order <= 0:
        return None
    rows = session.client.get(f"/oms/orders/{request.order}", {"view": "mt5"})["items"]
    return rows[0] if rows else None


def _execute(
    session: Session, instrument: Instrument | None, request: ExactRequest, planned: TradeCommand
) -> dict[str, Any]:
    request_id = f"mt5-{uuid4().hex}"
    envelope = {
        "account_id": session.account_id,
        "request_id": request_id,
        "command": planned.command,
        "payload": dict(planned.payload),
    }
    query = {"view": "mt5", "wait_ms": WAIT_MS}
    try:
        result = session.client.post("/oms/commands", envelope, query)["results"][0]
    except GatewayError as error:
        result = _failed_result(error)
    except NotReached as error:
        return {"retcode": c.TRADE_RETCODE_CONNECTION, "comment": error.text}
    except AnswerLost as error:
        found = _ask_for(session, request_id)
        if found is None:
            return {"retcode": c.TRADE_RETCODE_TIMEOUT, "comment": f"{request_id}: {error.text}"}
        result = found
    if request.action == c.TRADE_ACTION_DEAL:
        result = _await_execution(session, result)
    return _result_fields(instrument, request, planned, result)


def _await_execution(session: Session, result: Any) -> Any:
    """Returns the result of a deal once it is executed: exchanges report that after the order."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while result["mt5"]["retcode"] == c.TRADE_RETCODE_PLACED and time.monotonic() < deadline:
        time.sleep(_EXECUTION_SECONDS)
        try:
            path = f"/oms/commands/{result['command_id']}"
            answer = session.client.get(path, {"view": "mt5"})
        except CallFailed:
            continue  # The gateway may answer the next question.
        result = {**result, "mt5": answer}
    return result


def _failed_result(error: GatewayError) -> Any:
    """Returns the result of a command that failed; of a refused request one that never was."""
    results = error.detail.get("results")
    if results and results[0].get("mt5") is not None:
        return results[0]
    retcode = error.detail.get("mt5_retcode")
    if retcode is None:
        raise error
    answer = {"retcode": retcode, "comment": error.detail.get("message")}
    return {"status": "refused", "command_id": None, "mt5": answer}


def _ask_for(session: Session, request_id: str) -> Any | None:
    """Returns the result of the command with a request id; ``None`` if there is none to find."""
    query = {"account_ids": session.account_id, "cursor": "", "sort": "desc"}
    for _ in range(_ASKS_MAX):
        try:
            recent = {**query, "page_size": _RECENT_COMMANDS}
            rows = session.client.get("/oms/commands", recent)["items"]
            row = next((each for each in rows if each["request_id"] == request_id), None)
            if row is not None:
                path = f"/oms/commands/{row['command_id']}"
                answer = session.client.get(path, {"view": "mt5", "wait_ms": WAIT_MS})
                state = session.client.get(path)
                orders = [{"id": each} for each in state["order_ids"]]
                found = {"status": state["status"], "command_id": row["command_id"]}
                return {**found, "orders": orders, "mt5": answer}
        except CallFailed:
            pass  # The gateway is not back yet; the next question may find it.
        time.sleep(_ASK_SECONDS)
    return None


def _result_fields(
    instrument: Instrument | None, request: ExactRequest, planned: TradeCommand, result: Any
) -> dict[str, Any]:
    """Returns the fields of the trade result of a command."""
    answer = result["mt5"]
    retcode = int(answer["retcode"] or c.TRADE_RETCODE_ERROR)
    is_done = result["status"] == "done"
    if is_done and retcode == c.TRADE_RETCODE_PLACED and request.action != c.TRADE_ACTION_DEAL:
        retcode = c.TRADE_RETCODE_DONE  # The request is completed; its order rests.
    filled = answer.get("volume")
    if is_done and planned.is_bounded and not filled:
        comment = "no price within the deviation"
        return {
            "retcode": c.TRADE_RETCODE_REQUOTE,
            "order": answer["order"] or 0,
            "comment": comment,
        }
    is_ok = retcode in (c.TRADE_RETCODE_DONE, c.TRADE_RETCODE_DONE_PARTIAL)
    is_placed = retcode == c.TRADE_RETCODE_PLACED
    volume = float(request.volume) if is_ok or is_placed else 0.0
    if filled and instrument is not None:
        volume = float(instrument.to_lots(filled))
    price = surface(answer.get("price"))
    if not price and is_ok and request.action == c.TRADE_ACTION_PENDING:
        price = float(request.price)
    order = answer.get("order") or 0
    if not order and is_ok and request.action == c.TRADE_ACTION_CLOSE_BY:
        order = _close_by_order(result)
    return {
        "retcode": retcode,
        "deal": answer.get("deal") or 0,
        "order": order,
        "volume": volume,
        "price": price,
        "comment": answer.get("comment")
        or (_DONE_TEXT if is_ok else _PLACED_TEXT if is_placed else ""),
    }


def _close_by_order(result: Any) -> int:
    """Returns the first order of a close by an opposite position, or the ticket of one without."""
    ids = [row["id"] for row in result.get("orders") or []]
    return int(min(ids)) if ids else CLOSE_BY_ORDER + int(result["command_id"])


def _preview(session: Session, planned: TradeCommand) -> tuple[int, str, Decimal]:
    """Returns retcode, comment and margin of a command, as the gateway would judge it now."""
    envelope = {
        "account_id": session.account_id,
        "command": planned.command,
        "payload": dict(planned.payload),
    }
    try:
        body = session.client.post("/oms/commands/preview", envelope)
    except GatewayError as error:
        results = error.detail.get("results") or [{}]
        answer = results[0].get("error") or error.detail
        retcode = int(answer.get("mt5_retcode") or c.TRADE_RETCODE_ERROR)
        return retcode, str(answer["message"]), Decimal(0)
    preview = body["results"][0]["preview"]
    refusal = preview["refusal"]
    if refusal is not None:
        retcode = refusal.get("mt5_retcode") or c.TRADE_RETCODE_REJECT
        return int(retcode), str(refusal.get("message")), Decimal(0)
    return 0, "Done", read_decimal(preview["margin"]) or Decimal(0)
