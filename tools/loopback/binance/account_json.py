"""JSON of balances and positions of contracts in the Binance API."""

from loopback.binance.order_json import POSITION_SIDES
from loopback.exchange.rows import CurrencyRow, PositionRow
from loopback.formatting import Json, format_number, market_id, to_ms
from oms.domain.money import ZERO


def asset_json(coin: CurrencyRow, now_ms: int) -> Json:
    """Returns a currency of the contracts' wallet."""
    return {
        "asset": coin.currency,
        "walletBalance": format_number(coin.total),
        "unrealizedProfit": format_number(coin.unrealised),
        "marginBalance": format_number(coin.equity),
        "maintMargin": format_number(coin.maintenance),
        "initialMargin": format_number(coin.order_margin + coin.position_margin),
        "positionInitialMargin": format_number(coin.position_margin),
        "openOrderInitialMargin": format_number(coin.order_margin),
        "crossWalletBalance": format_number(coin.total),
        "crossUnPnl": format_number(coin.unrealised),
        "availableBalance": format_number(coin.free),
        "maxWithdrawAmount": format_number(coin.free),
        "marginAvailable": True,
        "updateTime": now_ms,
    }


def position_json(row: PositionRow, settle: str) -> Json:
    """Returns a position of a contract."""
    notional = row.notional if row.qty >= ZERO else -row.notional
    return {
        "symbol": market_id(row.symbol),
        "positionSide": POSITION_SIDES[row.leg],
        "positionAmt": format_number(row.qty),
        "entryPrice": format_number(row.entry, "0"),
        "breakEvenPrice": format_number(row.entry, "0"),
        "markPrice": format_number(row.mark, "0"),
        "unRealizedProfit": format_number(row.unrealised),
        "unrealizedProfit": format_number(row.unrealised),
        "liquidationPrice": format_number(row.liquidation, "0"),
        "isolatedMargin": "0",
        "notional": format_number(notional),
        "marginAsset": settle,
        "isolatedWallet": "0",
        "initialMargin": format_number(row.margin),
        "maintMargin": format_number(row.maintenance),
        "positionInitialMargin": format_number(row.margin),
        "openOrderInitialMargin": "0",
        "leverage": str(row.leverage),
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": to_ms(row.updated_at),
    }
