"""Statistics of closed positions, net of fees, in the order in which they were closed.

Amounts of several currencies are never added: statistics over them have counts only.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from oms.domain.money import ZERO, add, divide, multiply, subtract, total
from oms.domain.value import value

_HUNDRED = Decimal(100)


@value
class ClosedPosition:
    """The result of a closed position in ``currency``."""

    id: int
    account_id: int
    strategy_id: int
    symbol: str
    #: ``<engine>.<venue>`` of the account.
    exchange: str
    currency: str
    #: Profit less fees, also those in other currencies that have a rate, with funding.
    result: Decimal
    fees: Decimal
    close_reason: str | None
    closed_at: datetime
    #: Source of the signal whose order opened it; 0: of none.
    source_id: int = 0


@value
class TradeStatistics:
    """Figures over closed positions; ``None`` is undefined."""

    open_positions: int
    closed_positions: int
    winning_trades: int
    losing_trades: int
    breakeven_trades: int
    tp_count: int
    sl_count: int
    trailing_count: int
    timeout_count: int
    manual_count: int
    max_win_streak: int
    max_loss_streak: int
    winrate: Decimal | None
    #: The currency of the amounts; ``None``: there are none, or several.
    currency: str | None
    total_pnl: Decimal | None
    avg_pnl_per_trade: Decimal | None
    avg_pnl_win: Decimal | None
    avg_pnl_loss: Decimal | None
    profit_factor: Decimal | None
    payoff_ratio: Decimal | None
    expectancy: Decimal | None
    max_drawdown: Decimal | None
    fees_total: Decimal | None

    @property
    def total_positions(self) -> int:
        """Return open and closed positions together."""
        return self.open_positions + self.closed_positions


def compute_statistics(closed: Sequence[ClosedPosition], open_positions: int) -> TradeStatistics:
    """Return the statistics of ``closed``, in any order."""
    ordered = sorted(closed, key=lambda each: (each.closed_at, each.id))
    currencies = {each.currency for each in ordered}
    results = [each.result for each in ordered]
    wins = [result for result in results if result > 0]
    losses = [result for result in results if result < 0]
    reasons = [each.close_reason for each in ordered]
    amounts = _amounts(ordered, wins, losses) if len(currencies) == 1 else _NO_AMOUNTS
    return TradeStatistics(
        open_positions=open_positions,
        closed_positions=len(results),
        winning_trades=len(wins),
        losing_trades=len(losses),
        breakeven_trades=len(results) - len(wins) - len(losses),
        tp_count=reasons.count("tp"),
        sl_count=reasons.count("sl"),
        trailing_count=reasons.count("trailing"),
        timeout_count=reasons.count("timeout"),
        manual_count=reasons.count("manual") + reasons.count("api"),
        max_win_streak=_longest(results, lambda result: result > 0),
        max_loss_streak=_longest(results, lambda result: result < 0),
        winrate=_ratio(multiply(_HUNDRED, Decimal(len(wins))), Decimal(len(results))),
        currency=currencies.pop() if len(currencies) == 1 else None,
        **amounts,
    )


def group_positions(
    closed: Iterable[ClosedPosition], key: Callable[[ClosedPosition], str | int]
) -> Mapping[str | int, Sequence[ClosedPosition]]:
    """Return the positions by ``key``, in its order."""
    groups: dict[str | int, list[ClosedPosition]] = defaultdict(list)
    for each in closed:
        groups[key(each)].append(each)
    return {name: groups[name] for name in sorted(groups)}


def _amounts(
    ordered: Sequence[ClosedPosition], wins: Sequence[Decimal], losses: Sequence[Decimal]
) -> dict[str, Decimal | None]:
    result, won, lost = total(each.result for each in ordered), total(wins), total(losses)
    average = _ratio(result, Decimal(len(ordered)))
    average_win, average_loss = (
        _ratio(won, Decimal(len(wins))),
        _ratio(lost, Decimal(len(losses))),
    )
    payoff = None
    if average_win is not None and average_loss is not None:
        # Of the sums: a quotient of rounded averages would be less exact.
        payoff = divide(
            multiply(won, Decimal(len(losses))), multiply(lost.copy_abs(), Decimal(len(wins)))
        )
    return {
        "total_pnl": result,
        "avg_pnl_per_trade": average,
        "avg_pnl_win": average_win,
        "avg_pnl_loss": average_loss,
        "profit_factor": _ratio(won, lost.copy_abs()),
        "payoff_ratio": payoff,
        "expectancy": average,
        "max_drawdown": _drawdown([each.result for each in ordered]),
        "fees_total": total(each.fees for each in ordered),
    }


_NO_AMOUNTS: Mapping[str, Decimal | None] = dict.fromkeys(
    (
        *("total_pnl", "avg_pnl_per_trade", "avg_pnl_win", "avg_pnl_loss", "profit_factor"),
        *("payoff_ratio", "expectancy", "max_drawdown", "fees_total"),
    )
)


def _ratio(amount: Decimal, by: Decimal) -> Decimal | None:
    return divide(amount, by) if by else None


def _drawdown(results: Sequence[Decimal]) -> Decimal:
    """Return the largest fall of the cumulative result below its highest value so far."""
    cumulative = peak = largest = ZERO
    for result in results:
        cumulative = add(cumulative, result)
        peak = max(peak, cumulative)
        largest = max(largest, subtract(peak, cumulative))
    return largest


def _longest(results: Iterable[Decimal], holds: Callable[[Decimal], bool]) -> int:
    longest = current = 0
    for result in results:
        current = current + 1 if holds(result) else 0
        longest = max(longest, current)
    return longest
