"""Checks, timeouts and outcomes of ccxt gateway calls, shared by HTTP and WebSocket.

A call is a command that the account's worker executes; the API process never connects to an
exchange.
"""

from collections.abc import Mapping

from oms.api.errors import error_detail
from oms.domain.ccxt_methods import MethodClass, is_allowable, method_class_of
from oms.domain.commands.command import CcxtCall, CommandResult
from oms.domain.errors import Forbidden, Invalid, Refused, Unavailable
from oms.ports.command_queue import CommandRow
from oms.ports.leases import WORKER_ALIVE_SECONDS, Leases
from oms.ports.registry import Registry
from oms.services.submission.submit import SubmitItemResult
from oms.wire.commands.result_codec import load_result
from oms.wire.responses.command_rows import ErrorDetail

READ_SECONDS = 30.0
TRADE_SECONDS = 60.0
BATCH_SECONDS = 60.0


async def check_method_allowed(func: str, account_id: int, registry: Registry) -> None:
    """Raise ``Invalid`` or ``Forbidden`` if the method may not be called on the account."""
    match method_class_of(func):
        case MethodClass.STREAM:
            raise Invalid("streams are available on the WebSocket only", code="unsupported_func")
        case MethodClass.NEVER:
            rows = await registry.accounts([account_id]) if is_allowable(func) else ()
            if not any(func in row.account.ccxt_allow for row in rows):
                message = f"the ccxt method {func[:64]!r} may not be called"
                raise Forbidden(message, code="ccxt_method_not_allowed")
        case _:
            return


async def require_live_worker(leases: Leases) -> None:
    """Raise ``Unavailable`` (``engine_unavailable``) if no worker is alive."""
    if not await leases.workers(WORKER_ALIVE_SECONDS):
        raise Unavailable("no worker is alive to make the call", code="engine_unavailable")


def default_wait_seconds(call: CcxtCall) -> float:
    """Return how long to wait for the outcome if the caller sets no wait."""
    return TRADE_SECONDS if call.is_trade else READ_SECONDS


def call_outcome(
    item: SubmitItemResult, rows: Mapping[int, CommandRow], seconds: float
) -> CommandResult | Refused:
    """Return the result of a call, or the error to report in its place."""
    if item.refused is not None:
        return item.refused
    row = rows.get(item.command_id or 0)
    if row is None or not row.status.is_final:
        return _too_late(item, seconds)
    result = load_result(row.status, row.error, row.result, row.order_id)
    return result if result.error is None else result.error


def result_json(result: CommandResult) -> str:
    """Return the JSON text of a call's value."""
    return result.value or "null"


def call_error(call: CcxtCall | None, refused: Refused, request_id: str) -> ErrorDetail:
    """Return the error object of a failed call."""
    return error_detail(refused, request_id, command=error_command(call))


def error_command(call: CcxtCall | None) -> str | None:
    """Return the command whose validation errors a call shares, for ``error_detail``."""
    return "send_order" if call is not None and call.is_trade else None


def _too_late(item: SubmitItemResult, seconds: float) -> Refused:
    message = f"the exchange did not answer within {seconds:g} s"
    payload = item.command.payload
    if isinstance(payload, CcxtCall) and payload.is_trade:
        message += "; the request may still be executed"
        return Refused(code="outcome_unknown", message=message, outcome="unknown")
    return Refused(code="timeout", message=message)
