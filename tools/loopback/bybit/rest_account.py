"""Wallet, positions and account settings of the Bybit dialect over REST."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from loopback.bybit.account_json import position_json, wallet_json
from loopback.bybit.errors import ApiError, from_engine, invalid_request
from loopback.bybit.pagination import paginate
from loopback.bybit.params import (
    find_instrument,
    instruments_of_category,
    parse_category,
    parse_limit,
    parse_number,
)
from loopback.bybit.trading_stops import set_trading_stops
from loopback.exchange.account_rows import legs_of, position_row, wallet_rows
from loopback.exchange.caller import Caller
from loopback.exchange.rows import PositionRow
from loopback.formatting import Json, format_number, market_id, to_ms
from oms.simulation.inputs import SetLeverage

_CHAIN = {
    "chainType": "LOOP",
    "chain": "LOOP",
    "confirmation": "1",
    "withdrawFee": "0",
    "withdrawPercentageFee": "0",
    "depositMin": "0",
    "withdrawMin": "0",
    "minAccuracy": "8",
    "chainDeposit": "0",
    "chainWithdraw": "0",
}


def query_api(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Returns the permissions of the key: trading or reading, never withdrawals."""
    trade = ["Order", "Position"]
    return {
        "id": caller.key,
        "note": "loopback",
        "apiKey": caller.key,
        "readOnly": 1 if caller.read_only else 0,
        "secret": "",
        "permissions": {
            "ContractTrade": trade,
            "Spot": ["SpotTrade"],
            "Wallet": [],
            "Options": [],
            "Derivatives": ["DerivativesTrade"],
            "CopyTrading": [],
            "BlockTrade": [],
            "Exchange": [],
            "NFT": [],
            "Affiliate": [],
        },
        "ips": ["*"],
        "type": 1,
        "deadlineDay": 365,
        "expiredAt": "2099-01-01T00:00:00Z",
        "createdAt": "2020-01-01T00:00:00Z",
        "unified": 0,
        "uta": 1,
        "userID": _user_id(caller.account.name),
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
    }


def account_info(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Returns a unified account 2.0 with cross margin."""
    return {
        "marginMode": "REGULAR_MARGIN",
        "updatedTime": str(to_ms(caller.venue.now())),
        "unifiedMarginStatus": 6,
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def coin_info(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Returns the currencies; deposits and withdrawals are not possible."""
    rows = caller.venue.instruments.values()
    coins = sorted({row.base for row in rows} | {row.quote for row in rows})
    coin_rows = [
        {"name": coin, "coin": coin, "remainAmount": "0", "chains": [_CHAIN]} for coin in coins
    ]
    return {"rows": coin_rows}


def wallet_balance(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Returns the unified wallet, or the requested coins of it."""
    if params.get("accountType") not in ("UNIFIED", None):
        raise invalid_request("accountType only support UNIFIED.")
    coins = wallet_rows(caller.account)
    if params.get("coin"):
        names = str(params["coin"]).split(",")
        coins = tuple(coin for coin in coins if coin.currency in names)
    return {"list": [wallet_json(coins)]}


def fee_rate(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Returns fee rates as fractions."""
    category = parse_category(params)
    rows = instruments_of_category(caller.venue.instruments, category)
    if params.get("symbol"):
        rows = [find_instrument(caller.venue.instruments, category, params)]
    fee_rows = []
    for row in rows:
        rates = caller.account.settings.rates_of(row.kind)
        fees = {
            "takerFeeRate": format_number(rates.taker),
            "makerFeeRate": format_number(rates.maker),
        }
        fee_rows.append({"symbol": market_id(row.symbol)} | fees)
    return {"list": fee_rows}


def position_list(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Returns open positions of a settle coin, or all legs of a symbol."""
    category = parse_category(params)
    if category == "spot":
        raise invalid_request("Illegal category")
    rows: list[PositionRow] = []
    account = caller.account
    if params.get("symbol"):
        symbol = find_instrument(caller.venue.instruments, category, params).symbol
        rows = [position_row(account, symbol, leg) for leg in legs_of(account, symbol)]
    elif category == "linear":
        if not params.get("settleCoin") and not params.get("baseCoin"):
            raise invalid_request("params error: Symbol or settleCoin can not be empty")
        for symbol, leg in sorted(account.state.positions):
            settle = caller.venue.instruments[symbol].settle
            if params.get("settleCoin") in (None, "", settle):
                rows.append(position_row(account, symbol, leg))
    page, cursor = paginate(rows, params, parse_limit(params, 20, 200))
    positions = [position_json(row) for row in page]
    return {"category": category, "list": positions, "nextPageCursor": cursor}


def set_leverage(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Sets the leverage of a contract, the same for both sides."""
    category = parse_category(params)
    symbol = find_instrument(caller.venue.instruments, category, params).symbol
    buy, sell = (parse_number(params, name) for name in ("buyLeverage", "sellLeverage"))
    if buy is None or buy != sell or buy % Decimal(1):
        raise invalid_request("buy leverage invalid")
    if position_row(caller.account, symbol, legs_of(caller.account, symbol)[0]).leverage == buy:
        raise ApiError(110043, "leverage not modified")
    request = SetLeverage(symbol=symbol, leverage=int(buy), at=caller.venue.now())
    rejected = caller.account.apply(request)
    if rejected is not None and rejected.code == "exchange_rejected":
        raise ApiError(110013, f"Cannot set leverage: {rejected.message}")
    if rejected is not None:
        raise from_engine(rejected, category)
    return {}


def switch_mode(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Sets one-way (0) or hedge (3) mode of a symbol or of all symbols of a settle coin."""
    category = parse_category(params)
    account, mode = caller.account, str(params.get("mode"))
    if mode not in ("0", "3"):
        raise invalid_request("mode invalid")
    if params.get("symbol"):
        symbols = {find_instrument(caller.venue.instruments, category, params).symbol}
    else:
        rows = instruments_of_category(caller.venue.instruments, category)
        symbols = {row.symbol for row in rows if row.settle == params.get("coin")}
        if not symbols:
            raise invalid_request("symbol and coin are empty")
    changed = symbols - account.hedged if mode == "3" else symbols & account.hedged
    if not changed:
        raise ApiError(110025, "Position mode is not modified")
    if any(symbol in changed for symbol, _ in account.state.positions):
        raise ApiError(110024, "You have an existing position, so the position mode is kept")
    if any(row.order.symbol in changed for row in account.open_orders()):
        raise ApiError(110028, "There are existing open orders, so the position mode is kept")
    account.hedged = account.hedged | symbols if mode == "3" else account.hedged - symbols
    return {}


def trading_stop(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Sets take profit, stop loss and trailing stop of an open position."""
    category = parse_category(params)
    instrument = find_instrument(caller.venue.instruments, category, params)
    set_trading_stops(caller, instrument, params)
    return {}


def _user_id(name: str) -> int:
    """Returns an id that is the same for every key of an account."""
    return 24_600_000 + int.from_bytes(name.encode()[-3:], "big") % 1_000_000
