"""Direct ccxt calls of callers: a read, or one write.

Attributes (``has``, ``timeframes``) and ccxt's synchronous methods (``describe``, ``market``) are
served like coroutines. Numbers of unified structures leave as JSON numbers; the venue's own rows in
``info`` stay as they are. The next poll reports the effect of a write, as external orders. Its
command is stored before it is sent; a request whose reply is lost is never sent again.
"""

import inspect
import math
import re
from collections.abc import Callable, Container, Mapping, Sequence
from decimal import Decimal
from typing import Any

from oms.adapters.ccxt.client.connection import Connection
from oms.adapters.ccxt.client.request_errors import (
    NotSent,
    OutcomeUnknown,
    Overloaded,
    ReadFailed,
    RequestError,
)
from oms.domain.ccxt_methods import META_READS, RAW_READS
from oms.domain.errors import Conflict, Invalid, Refused
from oms.domain.money import decimal_text
from oms.ports.exchange import DirectTradeResult

#: Members of ccxt's objects that are not in snake_case.
_SPELLINGS = {"precision_mode": "precisionMode", **RAW_READS}
#: Methods that return structures of ccxt, whose numbers are numbers for a caller.
_STRUCTURE_PREFIXES = ("fetch_", "create_", "edit_", "cancel_", "load_markets")
_STRUCTURE_READS = frozenset({"market", "markets", "currencies", "fees", "limits", "calculate_fee"})
#: Keys of structures with texts that may look like numbers.
_TEXTS = frozenset(
    {
        *("id", "uid", "txid", "info", "order", "symbol", "code", "currency", "datetime"),
        *("base", "quote", "settle", "name", "network", "tag", "subType", "parent", "comment"),
        *("address", "addressFrom", "addressTo", "tagFrom", "tagTo"),
        *("account", "fromAccount", "toAccount", "referenceAccount"),
    }
)
_ID_ENDINGS = ("Id", "Ids")
#: Parts of a market without any texts; ``base`` and ``quote`` are steps there.
_NUMBERS_ONLY = frozenset({"precision", "limits"})
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


async def call_read(
    connection: Connection, func: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> object:
    """Returns the result of a ccxt read as plain JSON values.

    Raises ``Invalid`` for arguments that the method does not take, with code ``unsupported_func``
    for a method that ccxt does not have here, ``Conflict`` with the code of the failure.
    """
    if not connection.is_open:
        raise Conflict("the exchange cannot be reached yet", code="exchange_unavailable")
    member = _find_member(connection, func)
    if member is None:
        raise Invalid(f"this exchange does not answer {func[:64]!r}", code="unsupported_func")
    if not callable(member):
        if args or kwargs:
            raise Invalid(f"{func}: an attribute has no arguments")
        return _to_result(func, member)
    _check_arguments(func, member, args, kwargs)
    try:
        name = _SPELLINGS.get(func, func)
        return _to_result(func, await connection.read(name, *args, **kwargs))
    except ReadFailed as failed:
        raise Conflict(failed.message, code=failed.code, reason=failed.reason) from None


async def call_write(
    connection: Connection, func: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> DirectTradeResult:
    """Sends a ccxt write once; returns its result, or why there is none."""
    if not connection.is_open:
        message = "the exchange cannot be reached yet"
        return DirectTradeResult(refused=Refused(code="exchange_unavailable", message=message))
    method = _find_member(connection, func)
    if not callable(method):
        message = f"this exchange does not answer {func[:64]!r}"
        return DirectTradeResult(refused=Refused(code="unsupported_func", message=message))
    try:
        _check_arguments(func, method, args, kwargs)
    except Invalid as error:
        return DirectTradeResult(refused=Refused(code=error.code, message=error.message))
    try:
        return DirectTradeResult(
            value=_to_result(func, await connection.write(func, *args, **kwargs))
        )
    except RequestError as error:
        return DirectTradeResult(refused=_refusal(error))


def _find_member(connection: Connection, func: str) -> Any:
    """Returns ccxt's method or a listed attribute; ``None`` for anything else."""
    if func.startswith("_"):
        return None
    member = getattr(connection.exchange, _SPELLINGS.get(func, func), None)
    return member if callable(member) or func in META_READS else None


def _check_arguments(
    func: str, method: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object]
) -> None:
    try:
        inspect.signature(method).bind(*args, **kwargs)
    except TypeError as error:
        raise Invalid(f"{func}: {error}") from None


def _refusal(error: RequestError) -> Refused:
    match error:
        case NotSent():
            code, outcome = error.code, "not_sent"
        case Overloaded():
            code, outcome = "exchange_rate_limited", "rejected"
        case OutcomeUnknown():
            code, outcome = "outcome_unknown", "unknown"
        case _:
            code, outcome = error.code, "rejected"
    reason = error.reason or error.venue_code
    return Refused(code=code, message=error.message, reason=reason, outcome=outcome)


def _to_result(func: str, value: object) -> object:
    """Returns what ccxt's method returned as JSON, with the numbers of structures as numbers."""
    has_structures = func.startswith(_STRUCTURE_PREFIXES) or func in _STRUCTURE_READS
    return _to_json_value(_with_numbers(value) if has_structures else value)


def _with_numbers(value: object, texts: Container[str] = _TEXTS) -> object:
    """Returns a structure of ccxt in which numbers, which the client keeps as text, are numbers.

    The venue's own rows (``info``), ids and other texts stay as they are.
    """
    match value:
        case Mapping():
            return {
                key: each
                if key in texts or str(key).endswith(_ID_ENDINGS)
                else _with_numbers(each, () if key in _NUMBERS_ONLY else texts)
                for key, each in value.items()
            }
        case list() | tuple():
            return [_with_numbers(each, texts) for each in value]
        case str() if _NUMBER.fullmatch(value):
            return float(value)
        case _:
            return value


def _to_json_value(value: object) -> object:
    """Returns ``value`` as dicts, lists, texts, numbers, booleans and ``None``."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
        case Decimal():
            return decimal_text(value)
        case Mapping():
            return {str(key): _to_json_value(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_to_json_value(each) for each in value]
        case _:
            return str(value)
