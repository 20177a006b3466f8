"""JSON of positions and wallets in Bybit v5.

A one-way position without quantity has the side "". The entry price is ``avgPrice`` over REST and
``entryPrice`` in the stream.
"""

from loopback.bybit.params import INDEXES
from loopback.exchange.rows import CurrencyRow, PositionRow
from loopback.formatting import Json, format_number, market_id, to_ms
from oms.domain.money import ZERO, multiply, subtract
from oms.simulation.state.paper_order import Leg


def position_json(row: PositionRow, *, stream: bool = False) -> Json:
    """Returns a position; ``stream`` selects the name of its entry price."""
    value = "0" if row.entry is None else format_number(multiply(row.qty.copy_abs(), row.entry))
    flat_side = {Leg.LONG: "Buy", Leg.SHORT: "Sell"}.get(row.leg, "")
    body: Json = {
        "positionIdx": INDEXES[row.leg],
        "riskId": 1,
        "riskLimitValue": "2000000",
        "symbol": market_id(row.symbol),
        "side": flat_side or ("" if not row.qty else "Buy" if row.qty > 0 else "Sell"),
        "size": format_number(row.qty.copy_abs()),
        "positionValue": value if row.qty else ("" if not stream else "0"),
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 0,
        "leverage": str(row.leverage),
        "positionBalance": format_number(row.margin),
        "markPrice": format_number(row.mark),
        "liqPrice": format_number(row.liquidation),
        "bustPrice": "",
        "positionMM": format_number(row.maintenance),
        "positionIM": format_number(row.margin),
        "tpslMode": "Full",
        "takeProfit": format_number(row.take_profit),
        "stopLoss": format_number(row.stop_loss),
        "trailingStop": format_number(row.trailing, "0"),
        "unrealisedPnl": format_number(row.unrealised),
        "curRealisedPnl": format_number(row.realised),
        "cumRealisedPnl": format_number(row.realised),
        "seq": to_ms(row.updated_at),
        "isReduceOnly": False,
        "createdTime": str(to_ms(row.created_at)),
        "updatedTime": str(to_ms(row.updated_at)),
    }
    body["entryPrice" if stream else "avgPrice"] = format_number(row.entry, "0")
    return body


def wallet_json(coins: tuple[CurrencyRow, ...]) -> Json:
    """Returns a unified wallet; its totals in dollars are sums over USDT and USDC."""
    dollars = [coin for coin in coins if coin.currency in ("USDT", "USDC")]
    wallet = sum((coin.total for coin in dollars), ZERO)
    equity = sum((coin.equity for coin in dollars), ZERO)
    initial = sum((coin.order_margin + coin.position_margin for coin in dollars), ZERO)
    return {
        "accountType": "UNIFIED",
        "accountLTV": "0",
        "accountIMRate": "0",
        "accountMMRate": "0",
        "totalEquity": format_number(equity),
        "totalWalletBalance": format_number(wallet),
        "totalMarginBalance": format_number(equity),
        "totalAvailableBalance": format_number(subtract(equity, initial)),
        "totalPerpUPL": format_number(subtract(equity, wallet)),
        "totalInitialMargin": format_number(initial),
        "totalMaintenanceMargin": format_number(sum((coin.maintenance for coin in dollars), ZERO)),
        "coin": [_coin_json(coin) for coin in coins],
    }


def _coin_json(coin: CurrencyRow) -> Json:
    return {
        "coin": coin.currency,
        "equity": format_number(coin.equity),
        "usdValue": format_number(coin.equity) if coin.currency in ("USDT", "USDC") else "",
        "walletBalance": format_number(coin.total),
        "availableToWithdraw": "",
        "availableToBorrow": "",
        "borrowAmount": "0",
        "accruedInterest": "0",
        "locked": format_number(coin.spot_locked),
        "totalOrderIM": format_number(coin.order_margin),
        "totalPositionIM": format_number(coin.position_margin),
        "totalPositionMM": format_number(coin.maintenance),
        "unrealisedPnl": format_number(coin.unrealised),
        "cumRealisedPnl": format_number(coin.realised),
        "bonus": "0",
        "marginCollateral": True,
        "collateralSwitch": True,
        "spotHedgingQty": "0",
    }
