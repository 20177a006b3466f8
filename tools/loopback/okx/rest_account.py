"""Balances, positions and account settings of the OKX dialect over REST."""

from decimal import Decimal
from typing import Any

from loopback.exchange.account_rows import position_row, wallet_rows
from loopback.exchange.caller import Caller
from loopback.exchange.numeric_ids import trade_number
from loopback.exchange.rows import ExecutionRow
from loopback.formatting import Json, format_number, to_ms
from loopback.okx.account_json import balance_json, position_json
from loopback.okx.errors import ApiError
from loopback.okx.params import (
    Params,
    find_instrument,
    instrument_id,
    instrument_type,
    instruments_of_type,
    is_of_type,
    parse_limit,
    to_units,
)
from oms.simulation.inputs import SetLeverage

_MODES = {"net_mode": False, "long_short_mode": True}
_FUNDING_BILL = "8"


def config(caller: Caller, params: Params) -> list[Any]:
    """Returns a futures account, its position mode and the permissions of the key."""
    account = caller.account
    return [
        {
            "uid": user_id(account.name),
            "mainUid": user_id(account.name),
            "acctLv": "2",
            "posMode": "long_short_mode" if account.hedged else "net_mode",
            "autoLoan": False,
            "greeksType": "PA",
            "level": "Lv1",
            "ctIsoMode": "automatic",
            "mgnIsoMode": "automatic",
            "label": "loopback",
            "perm": "read_only" if caller.read_only else "read_only,trade",
            "ip": "",
            "kycLv": "3",
            "roleType": "0",
            "enableSpotBorrow": False,
        }
    ]


def balance(caller: Caller, params: Params) -> list[Any]:
    """Returns the trading account, or the requested currencies of it."""
    coins = wallet_rows(caller.account)
    if params.get("ccy"):
        names = str(params["ccy"]).split(",")
        coins = tuple(coin for coin in coins if coin.currency in names)
    return [balance_json(coins, to_ms(caller.account.state.clock))]


def positions(caller: Caller, params: Params) -> list[Any]:
    """Returns the open positions of all or some instruments."""
    account, names = caller.account, str(params.get("instId") or "").split(",")
    rows = [
        position_row(account, symbol, leg)
        for symbol, leg in sorted(account.state.positions)
        if is_of_type(params, symbol) and (names == [""] or instrument_id(symbol) in names)
    ]
    return [position_json(account.settings.instruments[row.symbol], row) for row in rows]


def bills(caller: Caller, params: Params) -> list[Any]:
    """Returns the funding payments, the newest first; other bills are not kept."""
    if params.get("type") not in (None, "", _FUNDING_BILL):
        return []
    account, after = caller.account, int(params.get("after") or 2**63)
    rows = [
        row
        for row in reversed(account.records.executions)
        if row.kind == "funding"
        and is_of_type(params, row.trade.symbol)
        and trade_number(account, row) < after
    ]
    return [_bill_json(caller, row) for row in rows[: parse_limit(params)]]


def trade_fee(caller: Caller, params: Params) -> list[Any]:
    """Returns the fee rates of a type; a fee is negative."""
    name = str(params.get("instType") or "SPOT")
    rows = instruments_of_type(caller.venue, name)
    if not rows:
        raise ApiError(51000, "Parameter instType error")
    rates = caller.account.settings.rates_of(rows[0].kind)
    maker, taker = format_number(-rates.maker), format_number(-rates.taker)
    return [
        {
            "category": "1",
            "instType": name,
            "level": "Lv1",
            "maker": maker,
            "makerU": maker,
            "taker": taker,
            "takerU": taker,
            "ts": str(to_ms(caller.venue.now())),
        }
    ]


def currencies(caller: Caller, params: Params) -> list[Any]:
    """Returns the currencies; deposits and withdrawals are not possible."""
    rows = caller.venue.instruments.values()
    names = sorted({row.base for row in rows} | {row.quote for row in rows})
    chain = {"canDep": False, "canWd": False, "fee": "0", "minWd": "0", "wdTickSz": "8"}
    return [{"ccy": name, "name": name, "chain": f"{name}-LOOP", **chain} for name in names]


def set_position_mode(caller: Caller, params: Params) -> list[Any]:
    """Sets the position mode of the whole account."""
    account, mode = caller.account, str(params.get("posMode"))
    if mode not in _MODES:
        raise ApiError(51000, "Parameter posMode error")
    is_used = account.state.positions or any(":" in r.order.symbol for r in account.open_orders())
    if _MODES[mode] is not bool(account.hedged):
        if is_used:
            message = "Setting failed. Cancel any open orders, close positions first."
            raise ApiError(59000, message)
        symbols = {row.symbol for row in instruments_of_type(caller.venue, "SWAP")}
        account.hedged = symbols if _MODES[mode] else set()
    return [{"posMode": mode}]


def set_leverage(caller: Caller, params: Params) -> list[Any]:
    """Sets the leverage of a contract."""
    instrument, text = find_instrument(caller.venue, params), str(params.get("lever", ""))
    if not text.isdigit() or params.get("mgnMode") not in ("cross", "isolated"):
        raise ApiError(51000, "Parameter lever error")
    leverage = int(text)
    request = SetLeverage(symbol=instrument.symbol, leverage=leverage, at=caller.venue.now())
    rejected = caller.account.apply(request)
    if rejected is not None and rejected.code == "insufficient_funds":
        raise ApiError(59108, "Your account leverage is too low and has insufficient margins.")
    if rejected is not None:
        raise ApiError(59102, "Leverage exceeds the maximum limit.")
    return [
        {
            "instId": instrument_id(instrument.symbol),
            "lever": text,
            "mgnMode": params["mgnMode"],
            "posSide": str(params.get("posSide", "")),
        }
    ]


def user_id(name: str) -> str:
    """Returns an id that is the same for every key of an account."""
    return str(44_705_892_343_000_000 + int.from_bytes(name.encode()[-3:], "big"))


def _bill_json(caller: Caller, row: ExecutionRow) -> Json:
    trade = row.trade
    instrument = caller.account.settings.instruments[trade.symbol]
    change = format_number(-trade.fee)
    return {
        "bal": "",
        "balChg": change,
        "billId": str(trade_number(caller.account, row)),
        "ccy": trade.fee_currency,
        "execType": "",
        "fee": "0",
        "from": "",
        "instId": instrument_id(trade.symbol),
        "instType": instrument_type(trade.symbol),
        "mgnMode": "cross",
        "notes": "",
        "ordId": "",
        "pnl": change,
        "posBal": "0",
        "posBalChg": "0",
        "px": format_number(trade.price),
        "subType": "174" if trade.fee < Decimal(0) else "173",
        "sz": format_number(to_units(instrument, trade.qty)),
        "to": "",
        "ts": str(to_ms(trade.executed_at)),
        "type": _FUNDING_BILL,
    }
