"""Reads for checking the books: what no caller asks for and no home holds."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.ports.exchange import ExchangeStateRows, TradeRow


class OrderColumns(NamedTuple):
    """What is stored of an order beside its state, for reading by others."""

    status: str
    is_open: bool
    avg_fill_price: Decimal | None


class LeaseTokens(NamedTuple):
    """The lease tokens of an account: the last that wrote, and the last that was given out."""

    written: int
    given: int


class UsedIdempotencyKey(NamedTuple):
    """An idempotency key and the commands that it stands for."""

    scope_hash: str
    command_ids: Sequence[int]


class OrphanRows(NamedTuple):
    """Rows of a table whose account does not exist."""

    table: str
    account_id: int
    rows: int


class VerificationReads(Protocol):
    """What ``oms verify`` reads beside the histories. Every method raises ``Unavailable``."""

    async def deals_of_positions(self, position_ids: Sequence[int]) -> Sequence[Deal]:
        """Deals of the positions, ascending by id."""
        ...

    async def symbols(self, account_id: int) -> Sequence[str]:
        """All that the account has orders, deals or positions of, ascending."""
        ...

    async def merged_into(self, account_id: int, position_ids: Sequence[int]) -> Sequence[Position]:
        """Positions of the account that ended in one of these."""
        ...

    async def order_columns(self, order_ids: Sequence[int]) -> Mapping[int, OrderColumns]:
        """Columns beside the state by order id; unknown ids are left out."""
        ...

    async def strategies(self, strategy_ids: Sequence[int]) -> frozenset[int]:
        """Those of the strategies that exist."""
        ...

    async def commands_with_several_orders(self, account_id: int) -> Sequence[int]:
        """Ids of commands that may make one order and made more, ascending."""
        ...

    async def lease_tokens(self, account_id: int) -> LeaseTokens:
        """The account's lease tokens; 0 where there is none."""
        ...

    async def used_idempotency_keys(self, after: str, limit: int) -> Sequence[UsedIdempotencyKey]:
        """Idempotency keys that have not expired, ascending by scope behind ``after``."""
        ...

    async def orphan_rows(self) -> Sequence[OrphanRows]:
        """Rows whose account does not exist, by table and account."""
        ...

    async def paper_exchange_state(self, account_id: int) -> ExchangeStateRows:
        """The stored memory of the account's paper exchange; no lease is needed to look."""
        ...

    async def paper_trades(self, account_id: int, after: str, limit: int) -> Sequence[TradeRow]:
        """Executions in the paper exchange's own books, ascending by id behind ``after``."""
        ...

    async def existing_paper_trades(
        self, account_id: int, trade_ids: Sequence[str]
    ) -> frozenset[str]:
        """Those of the executions that the paper exchange's own books have."""
        ...
