"""JSON of positions and balances in OKX v5, as ccxt reads them."""

from zlib import crc32

from loopback.exchange.rows import CurrencyRow, PositionRow
from loopback.formatting import Json, format_number, to_ms
from loopback.okx.params import POSITION_SIDES, instrument_id, to_units
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, subtract
from oms.simulation.state.paper_order import Leg

_DOLLARS = ("USDT", "USDC")


def position_json(instrument: Instrument, row: PositionRow) -> Json:
    """Returns a position; its size is signed in net mode only."""
    size = row.qty if row.leg is Leg.BOTH else row.qty.copy_abs()
    units = format_number(to_units(instrument, size))
    return {
        "adl": "1",
        "availPos": units,
        "avgPx": format_number(row.entry),
        "cTime": str(to_ms(row.created_at)),
        "ccy": instrument.settle,
        "fee": "",
        "imr": format_number(row.margin),
        "instId": instrument_id(row.symbol),
        "instType": "SWAP",
        "interest": "0",
        "last": format_number(row.mark),
        "lever": str(row.leverage),
        "liab": "",
        "liabCcy": "",
        "liqPx": format_number(row.liquidation),
        "margin": "",
        "markPx": format_number(row.mark),
        "mgnMode": "cross",
        "mgnRatio": "",
        "mmr": format_number(row.maintenance),
        "notionalUsd": format_number(row.notional),
        "pos": units,
        "posCcy": "",
        "posId": str(crc32(f"{row.symbol}{row.leg}".encode())),
        "posSide": POSITION_SIDES[row.leg],
        "realizedPnl": format_number(row.realised),
        "tradeId": "",
        "uTime": str(to_ms(row.updated_at)),
        "upl": format_number(row.unrealised),
        "uplRatio": "0",
    }


def balance_json(coins: tuple[CurrencyRow, ...], now_ms: int) -> Json:
    """Returns the trading account; its totals in dollars are sums over USDT and USDC."""
    dollars = sum((coin.equity for coin in coins if coin.currency in _DOLLARS), ZERO)
    return {
        "adjEq": "",
        "details": [_coin_json(coin, now_ms) for coin in coins],
        "imr": "",
        "isoEq": "0",
        "mgnRatio": "",
        "mmr": "",
        "notionalUsd": "",
        "ordFroz": "",
        "totalEq": format_number(dollars),
        "uTime": str(now_ms),
    }


def _coin_json(coin: CurrencyRow, now_ms: int) -> Json:
    """Returns a currency; ``eq`` contains the unrealised profit, ``cashBal`` does not."""
    frozen = format_number(subtract(coin.total, coin.free))
    return {
        "availBal": format_number(coin.free),
        "availEq": format_number(coin.free),
        "cashBal": format_number(coin.total),
        "ccy": coin.currency,
        "crossLiab": "",
        "disEq": format_number(coin.equity) if coin.currency in _DOLLARS else "0",
        "eq": format_number(coin.equity),
        "eqUsd": format_number(coin.equity) if coin.currency in _DOLLARS else "0",
        "frozenBal": frozen,
        "interest": "",
        "isoEq": "0",
        "isoLiab": "",
        "liab": "",
        "maxLoan": "",
        "mgnRatio": "",
        "notionalLever": "0",
        "ordFrozen": frozen,
        "twap": "0",
        "uTime": str(now_ms),
        "upl": format_number(coin.unrealised),
        "uplLiab": "",
    }
