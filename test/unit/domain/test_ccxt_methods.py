"""Allow-lists of ccxt methods against ccxt itself, and permissions per role."""

import hashlib
import inspect
import re
from itertools import product

import ccxt
import pytest

from oms.domain.access import Grant, Principal, Role, refuse
from oms.domain.ccxt_methods import (
    CANCEL_METHODS,
    ENTRY_METHODS,
    RAW_READS,
    READ_METHODS,
    TRADE_METHODS,
    MethodClass,
    filter_allowable,
    is_allowable,
    is_trade_method,
    method_class_of,
)
from oms.domain.commands.command import CcxtCall
from oms.services.access.command_permissions import permission_for
from oms.wire.ccxt.method_names import snake_case
from oms.wire.ccxt.trade_parser import PARSED_METHODS

THEIRS = ccxt.Exchange()
#: Methods of single exchanges that ccxt's base class does not have, and one attribute with another
#: name.
NOT_IN_THE_BASE = {
    *("fetch_closed_order", "fetch_open_order", "fetch_settlement_history"),
    *("fetch_volatility_history", "precision_mode", "is_unified_enabled", *RAW_READS),
}
READS_HASH = "211c861aca4a8ea7"
TRADES_HASH = "9d06dd98c4cacbe0"
ACCOUNT = 1


def _hash(names: frozenset[str]) -> str:
    return hashlib.sha256(" ".join(sorted(names)).encode()).hexdigest()[:16]


def test_the_lists_are_unchanged() -> None:
    """A changed list must be changed here too, deliberately."""
    assert (len(READ_METHODS), len(TRADE_METHODS), len(ENTRY_METHODS), len(CANCEL_METHODS)) == (
        128,
        44,
        29,
        7,
    )
    assert (_hash(READ_METHODS), _hash(TRADE_METHODS)) == (READS_HASH, TRADES_HASH)
    assert (
        not READ_METHODS & TRADE_METHODS
        and not ENTRY_METHODS & CANCEL_METHODS
        and ENTRY_METHODS | CANCEL_METHODS <= TRADE_METHODS
    )


def test_listed_methods_exist_in_ccxt() -> None:
    listed = READ_METHODS | TRADE_METHODS
    assert {name for name in listed if not hasattr(THEIRS, name)} == NOT_IN_THE_BASE
    assert all(callable(getattr(ccxt.binance(), name)) for name in RAW_READS.values())
    assert {name: snake_case(theirs) for name, theirs in RAW_READS.items()} == {
        name: name for name in RAW_READS
    }
    assert hasattr(ccxt.bybit, "is_unified_enabled")


def test_other_ccxt_methods_are_not_allowed() -> None:
    names = {snake_case(name) for name, _ in inspect.getmembers(THEIRS)} | set(dir(ccxt.binance))
    others = {name for name in names if name not in READ_METHODS | TRADE_METHODS}
    assert len(others) > 500
    classes = {method_class_of(name) for name in others}
    assert classes == {MethodClass.NEVER, MethodClass.STREAM}
    streams = {name for name in others if method_class_of(name) is MethodClass.STREAM}
    assert all(re.match(r"(un_)?watch_|.*_ws$", name) for name in streams)


@pytest.mark.parametrize(
    "name",
    [
        *("withdraw", "transfer", "borrow_cross_margin", "repay_isolated_margin", "request"),
        *("create_deposit_address", "fetch_deposit_address", "fetch_deposit_addresses"),
        *("create_convert_trade", "create_sub_account", "fetch", "fetch2", "sign"),
        *("fetch_web_endpoint", "public_get_ticker", "private_post_order", "sapi_get_account"),
        *("fapi_private_v2_get_account", "v1_get_x", "set_sandbox_mode", "enable_demo_trading"),
        *("set_property", "close", "__init__", "_x", "", "fetch_tickerx", "Fetch_ticker", "watch"),
    ],
)
def test_never(name: str) -> None:
    assert method_class_of(name) is MethodClass.NEVER
    assert is_trade_method(name)


def test_every_method_in_both_notations() -> None:
    for name in READ_METHODS | TRADE_METHODS:
        first, *rest = name.split("_")
        camel = first + "".join(part.capitalize() for part in rest)
        assert snake_case(camel) == snake_case(name) == name
    for camel, snake in (("fetchOHLCV", "fetch_ohlcv"), ("fetchADLRank", "fetch_adl_rank")):
        assert snake_case(camel) == snake


def test_methods_that_an_account_may_allow() -> None:
    assert is_allowable("withdraw") and is_allowable("fetch_deposit_address")
    never = ["close", "set_sandbox_mode", "enable_demo_trading", "_x", "__class__", "a b", "A"]
    listed = ["fetch_ticker", "create_order", "watch_ticker", "create_order_ws"]
    assert filter_allowable([*never, *listed, "transfer"]) == {"transfer"}


def test_every_parsed_method_trades() -> None:
    assert PARSED_METHODS <= TRADE_METHODS
    signatures = (inspect.signature(getattr(ccxt.Exchange, name)) for name in PARSED_METHODS)
    assert all("params" in signature.parameters for signature in signatures)


MAY_TRADE = {Role.TRADER, Role.PORTFOLIO_MANAGER}
CASES = list(product(["fetch_ticker", "create_order", "cancel_order", "withdraw"], Role))


@pytest.mark.parametrize(("func", "role"), CASES)
def test_callers_by_role(func: str, role: Role) -> None:
    permission = permission_for(CcxtCall(func=func))
    reads = method_class_of(func) is MethodClass.READ
    for trades, restricted in product((True, False), (True, False)):
        grant = Grant(can_trade=trades, restrict_to_strategies=restricted)
        who = Principal(user_id=1, user_name="x", api_key_id=1, role=role, grants={ACCOUNT: grant})
        denied = refuse(who, permission, ACCOUNT)
        if reads:
            assert denied is None
        elif role is Role.ADMIN:
            assert denied is not None and denied.code == "admin_read_only"
        elif role not in MAY_TRADE or not trades:
            assert denied is not None and denied.code == "permission_denied"
        elif restricted:
            assert denied is not None and denied.code == "strategy_permission_denied"
        else:
            assert denied is None
    ungranted = Principal(user_id=1, user_name="x", api_key_id=1, role=role, grants={})
    assert (refuse(ungranted, permission, ACCOUNT) is None) == (reads and role is Role.ADMIN)
