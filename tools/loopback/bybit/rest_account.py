"""Wallet, positions and settings of the Bybit dialect, by REST."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from loopback.bybit.errors import Refusal, bad, of_engine
from loopback.bybit.holdings import position_json, wallet_json
from loopback.bybit.names import category_in, instrument_in, limit_in, listed, number_in
from loopback.bybit.pages import page
from loopback.bybit.stops import put_stops
from loopback.rows import PositionRow
from loopback.standing import legs_of, position_row, wallet_rows
from loopback.words import Json, id_of, ms, text
from oms.simulation.inputs import SetLeverage

if TYPE_CHECKING:
    from loopback.bybit.gateway import Caller

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
        "updatedTime": str(ms(caller.venue.now())),
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
        raise bad("accountType only support UNIFIED.")
    coins = wallet_rows(caller.account)
    if params.get("coin"):
        wanted = str(params["coin"]).split(",")
        coins = tuple(coin for coin in coins if coin.currency in wanted)
    return {"list": [wallet_json(coins)]}


def fee_rate(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Fees as fractions."""
    category = category_in(params)
    rows = listed(caller.venue.instruments, category)
    if params.get("symbol"):
        rows = [instrument_in(caller.venue.instruments, category, params)]
    told = []
    for row in rows:
        rates = caller.account.settings.rates_of(row.kind)
        fees = {"takerFeeRate": text(rates.taker), "makerFeeRate": text(rates.maker)}
        told.append({"symbol": id_of(row.symbol)} | fees)
    return {"list": told}


def position_list(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Open positions of a coin, or all legs of a symbol, flat ones too."""
    category = category_in(params)
    if category == "spot":
        raise bad("Illegal category")
    rows: list[PositionRow] = []
    account = caller.account
    if params.get("symbol"):
        symbol = instrument_in(caller.venue.instruments, category, params).symbol
        rows = [position_row(account, symbol, leg) for leg in legs_of(account, symbol)]
    elif category == "linear":
        if not params.get("settleCoin") and not params.get("baseCoin"):
            raise bad("params error: Symbol or settleCoin can not be empty")
        for symbol, leg in sorted(account.memory.positions):
            settle = caller.venue.instruments[symbol].settle
            if params.get("settleCoin") in (None, "", settle):
                rows.append(position_row(account, symbol, leg))
    shown, cursor = page(rows, params, limit_in(params, 20, 200))
    told = [position_json(row) for row in shown]
    return {"category": category, "list": told, "nextPageCursor": cursor}


def set_leverage(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """The leverage of a contract, the same on both sides."""
    category = category_in(params)
    symbol = instrument_in(caller.venue.instruments, category, params).symbol
    buy, sell = (number_in(params, name) for name in ("buyLeverage", "sellLeverage"))
    if buy is None or buy != sell or buy % Decimal(1):
        raise bad("buy leverage invalid")
    if position_row(caller.account, symbol, legs_of(caller.account, symbol)[0]).leverage == buy:
        raise Refusal(110043, "leverage not modified")
    wish = SetLeverage(symbol=symbol, leverage=int(buy), at=caller.venue.now())
    rejected = caller.account.do(wish)
    if rejected is not None and rejected.code == "exchange_rejected":
        raise Refusal(110013, f"Cannot set leverage: {rejected.message}")
    if rejected is not None:
        raise of_engine(rejected, category)
    return {}


def switch_mode(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """One-way (0) or hedge (3), of a symbol or of all symbols settled in a coin."""
    category = category_in(params)
    account, mode = caller.account, str(params.get("mode"))
    if mode not in ("0", "3"):
        raise bad("mode invalid")
    if params.get("symbol"):
        symbols = {instrument_in(caller.venue.instruments, category, params).symbol}
    else:
        rows = listed(caller.venue.instruments, category)
        symbols = {row.symbol for row in rows if row.settle == params.get("coin")}
        if not symbols:
            raise bad("symbol and coin are empty")
    changing = symbols - account.hedged if mode == "3" else symbols & account.hedged
    if not changing:
        raise Refusal(110025, "Position mode is not modified")
    if any(symbol in changing for symbol, _ in account.memory.positions):
        raise Refusal(110024, "You have an existing position, so the position mode is kept")
    if any(row.order.symbol in changing for row in account.open_orders()):
        raise Refusal(110028, "There are existing open orders, so the position mode is kept")
    account.hedged = account.hedged | symbols if mode == "3" else account.hedged - symbols
    return {}


def trading_stop(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Take profit, stop loss and trailing stop of an open position."""
    category = category_in(params)
    instrument = instrument_in(caller.venue.instruments, category, params)
    put_stops(caller, instrument, params)
    return {}


def _user_id(name: str) -> int:
    """The same for every key of an account."""
    return 24_600_000 + int.from_bytes(name.encode()[-3:], "big") % 1_000_000
