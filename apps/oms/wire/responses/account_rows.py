"""Accounts, strategies and switches of risk in responses."""

from typing import Annotated

from typing_extensions import TypedDict

from oms.domain.access import Grant
from oms.ports.admin.strategies import StrategyRow
from oms.ports.registry import AccountRow
from oms.wire.responses.value_types import ActiveText, Count, EnvironmentText, Id, one_of


class AccountBody(TypedDict):
    """An account and what the key may do on it."""

    account_id: Id
    label: str
    exchange_id: str
    position_mode: Annotated[str, one_of("hedge", "netting", "strategy_netting")]
    is_testnet: bool
    status: str
    allow_new_positions: bool
    can_read: bool
    can_trade: bool
    can_risk_manage: bool
    trader_name: str | None
    can_close_position: bool
    can_block_new_positions: bool
    can_block_account: bool
    restrict_to_strategies: bool
    strategy_ids: list[Count]
    environment: EnvironmentText
    engine: Annotated[str, one_of("ccxt", "ccxtpro", "paper")]
    exchange_mode: str
    live_enabled: bool
    quarantine: str | None


class StrategyBody(TypedDict):
    """A strategy and the accounts it is linked to."""

    strategy_id: Id
    client_strategy_id: Id | None
    name: str
    status: ActiveText
    account_ids: list[Id]


class StrategySwitch(TypedDict):
    """A strategy of an account, and whether it may open positions."""

    account_id: Id
    strategy_id: Id
    name: str
    status: str
    allow_new_positions: bool


class Switched(TypedDict):
    """A changed switch; its values are null until the account's worker has executed it."""

    ok: bool
    account_id: Id
    strategy_id: Count | None
    status: str | None
    allow_new_positions: bool | None
    rows: Count
    command_id: Id


class StrategyCreated(TypedDict):
    """The id of a new strategy."""

    ok: bool
    strategy_id: Id


class StrategyChanged(TypedDict):
    """How many rows of a strategy were changed."""

    ok: bool
    strategy_id: Id
    rows: Count


def account_row(row: AccountRow, grant: Grant) -> AccountBody:
    """Return the row of an account for a key with ``grant`` on it."""
    account = row.account
    return {
        "account_id": account.id,
        "label": account.label,
        "exchange_id": account.exchange_id,
        "position_mode": account.position_mode.value,
        "is_testnet": row.is_testnet,
        "status": account.status,
        "allow_new_positions": account.allow_new_positions,
        "can_read": grant.can_read,
        "can_trade": grant.can_trade,
        "can_risk_manage": grant.can_risk_manage,
        "trader_name": row.trader_name,
        "can_close_position": grant.can_close_position,
        "can_block_new_positions": grant.can_block_new_positions,
        "can_block_account": grant.can_block_account,
        "restrict_to_strategies": grant.restrict_to_strategies,
        "strategy_ids": sorted(grant.strategy_ids),
        "environment": account.environment.value,
        "engine": account.engine.value,
        "exchange_mode": account.environment.value,
        "live_enabled": row.live_enabled,
        "quarantine": row.quarantine,
    }


def strategy_row(strategy: StrategyRow) -> StrategyBody:
    """Return the row of a strategy."""
    return {
        "strategy_id": strategy.id,
        "client_strategy_id": strategy.client_strategy_id,
        "name": strategy.name,
        "status": strategy.status,
        "account_ids": list(strategy.account_ids),
    }
