"""What a bot has earned, and what it has to trade with."""

from collections.abc import Mapping
from decimal import Decimal

from oms.domain.bots.decision import BotEvent
from oms.domain.performance.balances import Balances
from oms.domain.value import value


@value
class BotFigures:
    """Figures of a bot; its positions are those of its strategy and symbols on its account.

    Amounts are by currency; currencies are never added to each other.
    """

    bot_id: int
    #: Net results of the positions that closed today (UTC), by settle currency.
    day_results: Mapping[str, Decimal]
    day_trades: int
    #: Of open positions, before fees, by settle currency; ``None``: a price is missing.
    open_profit: Mapping[str, Decimal | None]
    open_positions: int
    #: Failures, and signals that failed or were blocked, of the last 24 hours.
    errors: int
    last_signal: BotEvent | None
    #: Of the currencies of its symbols; ``None``: not known, or not to be seen by this caller.
    balances: Balances | None
