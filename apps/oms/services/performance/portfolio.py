"""The portfolio of a caller: values of accounts and their total.

A key that is restricted to strategies sees the positions of these only, and of the account nothing
that belongs to all strategies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.access import Principal, allowed_strategies
from oms.domain.performance.account_value import AccountValue, add_values, value_account
from oms.domain.value import evolve, value
from oms.ports.history_reads import HistoryQuery
from oms.services.performance.value_accounts import ValueAccounts, ValuedAccount, money_of
from oms.services.queries.ledger_queries import LedgerQueries


@value
class PortfolioView:
    """Accounts and their total."""

    accounts: Sequence[ValuedAccount]
    total: AccountValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """Returns portfolios."""

    reads: LedgerQueries
    value_accounts: ValueAccounts

    async def __call__(self, principal: Principal, account_ids: Sequence[int]) -> PortfolioView:
        """Return the accounts in the given order. Raises ``NotFound``, ``Forbidden``."""
        await self.reads.narrow_window(principal, HistoryQuery(account_ids=account_ids))
        valued = await self.value_accounts(account_ids)
        accounts = [
            _visible(principal, valued[account_id])
            for account_id in account_ids
            if account_id in valued
        ]
        into = self.value_accounts.report_currency
        currencies = {each.account.id: each.value.currency for each in accounts}
        rates = await self.value_accounts.rates(currencies, into)
        parts = [(each.value, rates.get(each.account.id, {})) for each in accounts]
        return PortfolioView(accounts=accounts, total=add_values(into, parts))


def _visible(principal: Principal, account: ValuedAccount) -> ValuedAccount:
    allowed = allowed_strategies(principal, account.account.id)
    if allowed is None:
        return account
    held = tuple(each for each in account.stored.positions if each.strategy_id in allowed)
    stored = evolve(account.stored, positions=held, balances=None, results=(), fees={}, outside=())
    figures = value_account(money_of(stored, account.marks), account.value.currency, account.rates)
    unknown = evolve(figures, cash=None, equity=None, realized=None, fees=None, total_pnl=None)
    symbols = {each.symbol for each in held}
    return evolve(
        account,
        stored=stored,
        value=unknown,
        stale_symbols=tuple(name for name in account.stale_symbols if name in symbols),
    )
