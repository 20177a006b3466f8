"""Wallet, positions and settings of the Bybit dialect, by REST."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

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
from loopback.exchange.rows import PositionRow
from loopback.formatting import Json, format_number, market_id, to_ms
from oms.simulation.inputs import SetLeverage

if TYPE_CHECKING:
    from loopback.bybit.api import Caller

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


def query_api(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """What the key may do: trade, or only read; never withdraw."""
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


def account_info(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """A unified account of the second kind, with cross margin."""
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


def coin_info(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """The currencies; none can be sent anywhere."""
    rows = caller.venue.instruments.values()
    coins = sorted({row.base for row in rows} | {row.quote for row in rows})
    told = [{"name": coin, "coin": coin, "remainAmount": "0", "chains": [_CHAIN]} for coin in coins]
    return {"rows": told}


def wallet_balance(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """The unified wallet, or the coins of it that are asked for."""
    if params.get("accountType") not in ("UNIFIED", None):
        raise invalid_request("accountType only support UNIFIED.")
    coins = wallet_rows(caller.account)
    if params.get("coin"):
        wanted = str(params["coin"]).split(",")
        coins = tuple(coin for coin in coins if coin.currency in wanted)
    return {"list": [wallet_json(coins)]}


def fee_rate(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Fees as fractions."""
    category = parse_category(params)
    rows = instruments_of_category(caller.venue.instruments, category)
    if params.get("symbol"):
        rows = [find_instrument(caller.venue.instruments, category, params)]
    told = []
    for row in rows:
        rates = caller.account.settings.rates_of(row.kind)
        fees = {
            "takerFeeRate": format_number(rates.taker),
            "makerFeeRate": format_number(rates.maker),
        }
        told.append({"symbol": market_id(row.symbol)} | fees)
    return {"list": told}


def position_list(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Open positions of a coin, or all legs of a symbol, flat ones too."""
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
    shown, cursor = paginate(rows, params, parse_limit(params, 20, 200))
    told = [position_json(row) for row in shown]
    return {"category": category, "list": told, "nextPageCursor": cursor}


def set_leverage(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """The leverage of a contract, the same on both sides."""
    category = parse_category(params)
    symbol = find_instrument(caller.venue.instruments, category, params).symbol
    buy, sell = (parse_number(params, name) for name in ("buyLeverage", "sellLeverage"))
    if buy is None or buy != sell or buy % Decimal(1):
        raise invalid_request("buy leverage invalid")
    if position_row(caller.account, symbol, legs_of(caller.account, symbol)[0]).leverage == buy:
        raise ApiError(110043, "leverage not modified")
    wish = SetLeverage(symbol=symbol, leverage=int(buy), at=caller.venue.now())
    rejected = caller.account.do(wish)
    if rejected is not None and rejected.code == "exchange_rejected":
        raise ApiError(110013, f"Cannot set leverage: {rejected.message}")
    if rejected is not None:
        raise from_engine(rejected, category)
    return {}


def switch_mode(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """One-way (0) or hedge (3), of a symbol or of all symbols settled in a coin."""
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
    changing = symbols - account.hedged if mode == "3" else symbols & account.hedged
    if not changing:
        raise ApiError(110025, "Position mode is not modified")
    if any(symbol in changing for symbol, _ in account.state.positions):
        raise ApiError(110024, "You have an existing position, so the position mode is kept")
    if any(row.order.symbol in changing for row in account.open_orders()):
        raise ApiError(110028, "There are existing open orders, so the position mode is kept")
    account.hedged = account.hedged | symbols if mode == "3" else account.hedged - symbols
    return {}


def trading_stop(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Take profit, stop loss and trailing stop of an open position."""
    category = parse_category(params)
    instrument = find_instrument(caller.venue.instruments, category, params)
    set_trading_stops(caller, instrument, params)
    return {}


def _user_id(name: str) -> int:
    """The same for every key of an account."""
    return 24_600_000 + int.from_bytes(name.encode()[-3:], "big") % 1_000_000
