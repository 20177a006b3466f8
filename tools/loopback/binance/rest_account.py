"""Wallet, positions and settings of the Binance dialect over REST.

An account has one wallet, which both the spot and the contract routes return.
"""

from typing import Any
from uuid import uuid4

from loopback.binance.account_json import asset_json, position_json
from loopback.binance.errors import ApiError, from_engine, missing_parameter
from loopback.binance.order_json import is_spot
from loopback.binance.params import Caller, Params, instruments
from loopback.exchange.account_rows import position_row, wallet_rows
from loopback.exchange.rows import ExecutionRow
from loopback.formatting import Json, format_number, market_id, to_ms
from oms.domain.instrument import InstrumentKind
from oms.simulation.inputs import SetLeverage


def spot_account(caller: Caller, params: Params) -> Any:
    """Returns the spot wallet; amounts held by contracts are locked."""
    balances = [
        {
            "asset": coin.currency,
            "free": format_number(coin.free),
            "locked": format_number(coin.spot_locked + coin.order_margin + coin.position_margin),
        }
        for coin in wallet_rows(caller.account)
    ]
    return {
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "accountType": "SPOT",
        "permissions": ["SPOT"],
        "uid": caller.account.id_base,
        "updateTime": to_ms(caller.venue.now()),
        "balances": balances,
    }


def trade_fees(caller: Caller, params: Params) -> Any:
    """Returns the fee rates of one spot symbol, or of all."""
    name = params.get("symbol")
    fees = caller.account.settings.rates_of(InstrumentKind.SPOT)
    return [
        {
            "symbol": market_id(symbol),
            "makerCommission": format_number(fees.maker),
            "takerCommission": format_number(fees.taker),
        }
        for symbol in caller.venue.instruments
        if is_spot(symbol) and name in (None, market_id(symbol))
    ]


def linear_account(caller: Caller, params: Params) -> Any:
    """Returns the contracts' wallet and positions."""
    now_ms = to_ms(caller.venue.now())
    return {
        "assets": [asset_json(coin, now_ms) for coin in wallet_rows(caller.account)],
        "positions": positions(caller, {}),
    }


def balance(caller: Caller, params: Params) -> Any:
    """Returns the currencies of the contracts' wallet."""
    now_ms = to_ms(caller.venue.now())
    return [
        asset_json(coin, now_ms) | {"balance": format_number(coin.total)}
        for coin in wallet_rows(caller.account)
    ]


def positions(caller: Caller, params: Params) -> Any:
    """Returns the open positions."""
    account = caller.account
    symbol_filter = caller.instrument(params).symbol if params.get("symbol") else None
    return [
        position_json(position_row(account, symbol, leg), caller.venue.instruments[symbol].settle)
        for symbol, leg in sorted(account.state.positions)
        if symbol_filter in (None, symbol)
    ]


def income(caller: Caller, params: Params) -> Any:
    """Returns funding payments, commissions and realised profits, the oldest first."""
    start, end = int(params.get("startTime") or 0), int(params.get("endTime") or 2**62)
    symbol = caller.instrument(params).symbol if params.get("symbol") else None
    rows = [
        entry
        for row in caller.account.records.executions
        if ":" in row.trade.symbol
        and symbol in (None, row.trade.symbol)
        and start <= to_ms(row.trade.executed_at) <= end
        for entry in _income_of(row)
        if params.get("incomeType") in (None, "", entry["incomeType"])
    ]
    rows.sort(key=lambda entry: int(entry["time"]))
    return rows[: int(params.get("limit") or 100)]


def _income_of(row: ExecutionRow) -> list[Json]:
    trade, is_funding = row.trade, row.kind == "funding"
    amounts = {"FUNDING_FEE" if is_funding else "COMMISSION": trade.fee.copy_negate()}
    if trade.realised:
        amounts["REALIZED_PNL"] = trade.realised
    return [
        {
            "symbol": market_id(trade.symbol),
            "incomeType": kind,
            "income": format_number(amount),
            "asset": trade.fee_currency,
            "info": kind,
            "time": to_ms(trade.executed_at),
            "tranId": row.execution_id,
            "tradeId": "" if is_funding else str(row.number),
        }
        for kind, amount in amounts.items()
        if amount
    ]


def leverage_brackets(caller: Caller, params: Params) -> Any:
    """Returns one leverage bracket per contract."""
    return [
        {
            "symbol": market_id(row.symbol),
            "brackets": [
                {
                    "bracket": 1,
                    "initialLeverage": row.max_leverage,
                    "notionalCap": 1_000_000_000,
                    "notionalFloor": 0,
                    "maintMarginRatio": format_number(row.maintenance_rate),
                    "cum": 0,
                }
            ],
        }
        for row in instruments(caller.venue, spot=False)
    ]


def set_leverage(caller: Caller, params: Params) -> Any:
    """Sets the leverage of a contract."""
    row, leverage = caller.instrument(params), str(params.get("leverage", ""))
    if not leverage.isdigit():
        raise missing_parameter("leverage")
    request = SetLeverage(symbol=row.symbol, leverage=int(leverage), at=caller.venue.now())
    rejected = caller.account.apply(request)
    if rejected is not None and rejected.code == "exchange_rejected":
        raise ApiError(-4028, f"Leverage {leverage} is not valid")
    if rejected is not None:
        raise from_engine(rejected, spot=False)
    maximum = "1000000000"
    return {"symbol": market_id(row.symbol), "leverage": int(leverage), "maxNotionalValue": maximum}


def position_mode(caller: Caller, params: Params) -> Any:
    """Returns whether the contracts are in hedge mode."""
    return {"dualSidePosition": bool(caller.account.hedged)}


def margin_assets(caller: Caller, params: Params) -> Any:
    """Returns that each contract uses the balance of its own settlement asset."""
    return {"multiAssetsMargin": False}


def set_position_mode(caller: Caller, params: Params) -> Any:
    """Sets the position mode of all contracts."""
    dual_side, account = str(params.get("dualSidePosition", "")).lower(), caller.account
    if dual_side not in ("true", "false"):
        raise missing_parameter("dualSidePosition")
    if (dual_side == "true") is bool(account.hedged):
        raise ApiError(-4059, "No need to change position side.")
    if account.state.positions:
        raise ApiError(-4068, "Position side cannot be changed if there exists position.")
    if any(not is_spot(row.order.symbol) for row in account.open_orders()):
        raise ApiError(-4067, "Position side cannot be changed if there exists open orders.")
    symbols = {row.symbol for row in instruments(caller.venue, spot=False)}
    account.hedged = symbols if dual_side == "true" else set()
    return {"code": 200, "msg": "success"}


def coins(caller: Caller, params: Params) -> Any:
    """Returns the currencies; deposits and withdrawals are not possible."""
    rows = caller.venue.instruments.values()
    names = sorted({row.base for row in rows} | {row.quote for row in rows})
    return [{"coin": name, "name": name, "networkList": [], "trading": True} for name in names]


def listen_key() -> Any:
    """Returns a new listen key."""
    return {"listenKey": uuid4().hex * 2}
