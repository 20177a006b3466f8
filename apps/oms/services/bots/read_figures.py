"""Figures of bots: results of today, profit of open positions, errors, signals, balances.

The positions of a bot are those of its strategy and symbols on its account, also those that
something else opened.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from oms.domain.access import Principal
from oms.domain.bots.bot import Bot, BotTerms
from oms.domain.bots.bot_figures import BotFigures
from oms.domain.bots.decision import BotEvent
from oms.domain.money import ZERO, add
from oms.domain.performance.account_value import currencies_of
from oms.domain.performance.balances import Balance, Balances
from oms.domain.value import evolve
from oms.ports.clock import Clock
from oms.ports.history_reads import HistoryQuery
from oms.ports.performance.position_results import PositionResult, PositionResults
from oms.ports.runner.bots import BotStore
from oms.services.performance.closed_positions import read_closed
from oms.services.performance.portfolio import Portfolio
from oms.services.performance.value_accounts import ValuedAccount

ERROR_PERIOD = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBotFigures:
    """Reads the figures of bots."""

    store: BotStore
    portfolio: Portfolio
    results: PositionResults
    clock: Clock

    async def __call__(self, principal: Principal, bots: Sequence[Bot]) -> Sequence[BotFigures]:
        """Return the figures of bots that the caller may see.

        Raises ``Unavailable``, and ``Invalid`` (``too_many_positions``).
        """
        if not bots:
            return []
        now = self.clock.now()
        account_ids = sorted({bot.terms.account_id for bot in bots})
        valued = await self.portfolio(principal, account_ids)
        accounts = {each.account.id: each for each in valued.accounts}
        closed = await self._closed(account_ids, now)
        errors = await self.store.count_errors(now - ERROR_PERIOD)
        signals = await self.store.last_signals()
        return [
            _figures(
                bot,
                accounts.get(bot.terms.account_id),
                closed,
                errors.get(bot.id, 0),
                signals.get(bot.id),
            )
            for bot in bots
        ]

    async def _closed(
        self, account_ids: Sequence[int], now: datetime
    ) -> Mapping[tuple[int, int, str], Sequence[PositionResult]]:
        """Return the positions closed today by account, strategy and symbol."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        window = HistoryQuery(account_ids=account_ids, since=midnight, with_total=False)
        rows = await read_closed(
            self.results,
            window,
            advice="they are read from midnight UTC on, of all accounts of bots",
        )
        found: dict[tuple[int, int, str], list[PositionResult]] = defaultdict(list)
        for row in rows:
            found[row.account_id, row.strategy_id, row.symbol].append(row)
        return found


def _figures(
    bot: Bot,
    account: ValuedAccount | None,
    closed: Mapping[tuple[int, int, str], Sequence[PositionResult]],
    errors: int,
    last_signal: BotEvent | None,
) -> BotFigures:
    terms = bot.terms
    owner = (terms.account_id, terms.strategy_id)
    results = [row for symbol in terms.symbols for row in closed.get((*owner, symbol), ())]
    held = [] if account is None else _open_profits(account, terms)
    return BotFigures(
        bot_id=bot.id,
        day_results=_sums((currencies_of(row.symbol).settle, row.net) for row in results),
        day_trades=len(results),
        open_profit=_known_sums(held),
        open_positions=len(held),
        errors=errors,
        last_signal=last_signal,
        balances=None if account is None else _balances(account, terms.symbols),
    )


def _open_profits(account: ValuedAccount, terms: BotTerms) -> list[tuple[str, Decimal | None]]:
    """Return settle currency and profit of each open position; ``None``: it has no price."""
    profits: list[tuple[str, Decimal | None]] = []
    for position in account.stored.positions:
        if position.strategy_id == terms.strategy_id and position.symbol in terms.symbols:
            mark = account.marks.get(position.id)
            settle = currencies_of(position.symbol).settle
            profits.append((settle, None if mark is None else mark.profit))
    return profits


def _sums(amounts: Iterable[tuple[str, Decimal]]) -> Mapping[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = add(sums.get(currency, ZERO), amount)
    return sums


def _known_sums(
    amounts: Sequence[tuple[str, Decimal | None]],
) -> Mapping[str, Decimal | None]:
    """Return the sums by currency; one with an unknown part is unknown."""
    unknown = {currency for currency, amount in amounts if amount is None}
    known = _sums((currency, amount) for currency, amount in amounts if amount is not None)
    return {**known, **dict.fromkeys(unknown)}


def _balances(account: ValuedAccount, symbols: Sequence[str]) -> Balances | None:
    """Return what the wallet has of the currencies that the symbols are traded with."""
    wallet = account.stored.balances
    if wallet is None:
        return None
    pairs = [currencies_of(symbol) for symbol in symbols]
    names = {pair.settle for pair in pairs} | {pair.base for pair in pairs if pair.is_spot}
    none = Balance(total=ZERO, free=ZERO, used=ZERO)
    amounts = {name: wallet.amounts.get(name, none) for name in sorted(names)}
    return evolve(wallet, amounts=amounts)
