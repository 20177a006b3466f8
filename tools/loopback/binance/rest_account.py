"""Wallet, positions and settings of the Binance dialect, by REST.

An account has one wallet, which spot and contracts both show.
"""

from typing import Any
from uuid import uuid4

from loopback.binance.errors import ApiError, from_engine, missing_parameter
from loopback.binance.order_json import asset_json, is_spot, position_json
from loopback.binance.params import Caller, Params, instruments
from loopback.exchange.account_rows import position_row, wallet_rows
from loopback.formatting import format_number, market_id, to_ms
from oms.simulation.inputs import SetLeverage


def spot_account(caller: Caller, params: Params) -> Any:
    """The wallet as spot shows it: what contracts hold is locked."""
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
        "uid": caller.account.base,
        "updateTime": to_ms(caller.venue.now()),
        "balances": balances,
    }


def linear_account(caller: Caller, params: Params) -> Any:
    """The wallet as contracts show it, and their positions."""
    now_ms = to_ms(caller.venue.now())
    return {
        "assets": [asset_json(coin, now_ms) for coin in wallet_rows(caller.account)],
        "positions": positions(caller, {}),
    }


def balance(caller: Caller, params: Params) -> Any:
    """The currencies of the contracts' wallet."""
    now_ms = to_ms(caller.venue.now())
    return [
        asset_json(coin, now_ms) | {"balance": format_number(coin.total)}
        for coin in wallet_rows(caller.account)
    ]


def positions(caller: Caller, params: Params) -> Any:
    """The open positions."""
    account = caller.account
    wanted = caller.instrument(params).symbol if params.get("symbol") else None
    return [
        position_json(position_row(account, symbol, leg), caller.venue.instruments[symbol].settle)
        for symbol, leg in sorted(account.state.positions)
        if wanted in (None, symbol)
    ]


def leverage_brackets(caller: Caller, params: Params) -> Any:
    """One bracket a contract."""
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
    """The leverage of a contract."""
    row, told = caller.instrument(params), str(params.get("leverage", ""))
    if not told.isdigit():
        raise missing_parameter("leverage")
    wish = SetLeverage(symbol=row.symbol, leverage=int(told), at=caller.venue.now())
    rejected = caller.account.do(wish)
    if rejected is not None and rejected.code == "exchange_rejected":
        raise ApiError(-4028, f"Leverage {told} is not valid")
    if rejected is not None:
        raise from_engine(rejected, spot=False)
    most = "1000000000"
    return {"symbol": market_id(row.symbol), "leverage": int(told), "maxNotionalValue": most}


def position_mode(caller: Caller, params: Params) -> Any:
    """Whether all contracts have two legs."""
    return {"dualSidePosition": bool(caller.account.hedged)}


def set_position_mode(caller: Caller, params: Params) -> Any:
    """One mode for all contracts."""
    told, account = str(params.get("dualSidePosition", "")).lower(), caller.account
    if told not in ("true", "false"):
        raise missing_parameter("dualSidePosition")
    if (told == "true") is bool(account.hedged):
        raise ApiError(-4059, "No need to change position side.")
    if account.state.positions:
        raise ApiError(-4068, "Position side cannot be changed if there exists position.")
    if any(not is_spot(row.order.symbol) for row in account.open_orders()):
        raise ApiError(-4067, "Position side cannot be changed if there exists open orders.")
    symbols = {row.symbol for row in instruments(caller.venue, spot=False)}
    account.hedged = symbols if told == "true" else set()
    return {"code": 200, "msg": "success"}


def coins(caller: Caller, params: Params) -> Any:
    """The currencies; none can be sent anywhere."""
    rows = caller.venue.instruments.values()
    names = sorted({row.base for row in rows} | {row.quote for row in rows})
    return [{"coin": name, "name": name, "networkList": [], "trading": True} for name in names]


def listen_key() -> Any:
    """A fresh name for a stream."""
    return {"listenKey": uuid4().hex * 2}
