"""Positions and wallets as Bybit v5 writes them.

A flat one-way position has the side "". A position's price is ``avgPrice`` by REST and
``entryPrice`` on the stream.
"""

from loopback.bybit.names import INDEXES
from loopback.rows import CoinRow, PositionRow
from loopback.words import Json, id_of, ms, text
from oms.domain.money import ZERO, difference, product
from oms.simulation.memory import Leg


def position_json(row: PositionRow, *, stream: bool = False) -> Json:
    """A position; on the stream its price has another name."""
    value = "0" if row.entry is None else text(product(row.qty.copy_abs(), row.entry))
    flat_side = {Leg.LONG: "Buy", Leg.SHORT: "Sell"}.get(row.leg, "")
    told: Json = {
        "positionIdx": INDEXES[row.leg],
        "riskId": 1,
        "riskLimitValue": "2000000",
        "symbol": id_of(row.symbol),
        "side": flat_side or ("" if not row.qty else "Buy" if row.qty > 0 else "Sell"),
        "size": text(row.qty.copy_abs()),
        "positionValue": value if row.qty else ("" if not stream else "0"),
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 0,
        "leverage": str(row.leverage),
        "positionBalance": text(row.margin),
        "markPrice": text(row.mark),
        "liqPrice": text(row.liquidation),
        "bustPrice": "",
        "positionMM": text(row.maintenance),
        "positionIM": text(row.margin),
        "tpslMode": "Full",
        "takeProfit": text(row.take_profit),
        "stopLoss": text(row.stop_loss),
        "trailingStop": text(row.trailing, "0"),
        "unrealisedPnl": text(row.unrealised),
        "curRealisedPnl": text(row.realised),
        "cumRealisedPnl": text(row.realised),
        "seq": ms(row.updated_at),
        "isReduceOnly": False,
        "createdTime": str(ms(row.created_at)),
        "updatedTime": str(ms(row.updated_at)),
    }
    told["entryPrice" if stream else "avgPrice"] = text(row.entry, "0")
    return told


def wallet_json(coins: tuple[CoinRow, ...]) -> Json:
    """A unified wallet; sums in dollars are those of the dollar currencies."""
    dollars = [coin for coin in coins if coin.currency in ("USDT", "USDC")]
    wallet = sum((coin.total for coin in dollars), ZERO)
    equity = sum((coin.equity for coin in dollars), ZERO)
    initial = sum((coin.order_margin + coin.position_margin for coin in dollars), ZERO)
    return {
        "accountType": "UNIFIED",
        "accountLTV": "0",
        "accountIMRate": "0",
        "accountMMRate": "0",
        "totalEquity": text(equity),
        "totalWalletBalance": text(wallet),
        "totalMarginBalance": text(equity),
        "totalAvailableBalance": text(difference(equity, initial)),
        "totalPerpUPL": text(difference(equity, wallet)),
        "totalInitialMargin": text(initial),
        "totalMaintenanceMargin": text(sum((coin.maintenance for coin in dollars), ZERO)),
        "coin": [_coin_json(coin) for coin in coins],
    }


def _coin_json(coin: CoinRow) -> Json:
    return {
        "coin": coin.currency,
        "equity": text(coin.equity),
        "usdValue": text(coin.equity) if coin.currency in ("USDT", "USDC") else "",
        "walletBalance": text(coin.total),
        "availableToWithdraw": "",
        "availableToBorrow": "",
        "borrowAmount": "0",
        "accruedInterest": "0",
        "locked": text(coin.spot_locked),
        "totalOrderIM": text(coin.order_margin),
        "totalPositionIM": text(coin.position_margin),
        "totalPositionMM": text(coin.maintenance),
        "unrealisedPnl": text(coin.unrealised),
        "cumRealisedPnl": text(coin.realised),
        "bonus": "0",
        "marginCollateral": True,
        "collateralSwitch": True,
        "spotHedgingQty": "0",
    }
