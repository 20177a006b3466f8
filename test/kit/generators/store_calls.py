"""Hypothesis strategies for calls of a store; ``CallBuilder`` turns drawn values into calls.

Drawn values are indexes into small pools, so that calls often concern the same rows, and failing
examples shrink well.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from kit.builders import NOON
from kit.databases.store_model import StoreModel
from kit.databases.store_rows import (
    a_command,
    a_deal,
    a_position,
    an_event,
    an_order,
    seconds_after,
)
from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.ledger.deal import Deal, FeeRate
from oms.domain.ledger.position import Position, PositionState
from oms.domain.orders.order import Order, OrderState
from oms.domain.orders.order_risk import LimitCheck, OrderRisk, RiskStatus
from oms.domain.protection.levels import Levels, PendingClose, StopKind, Target
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.command_queue import IdempotencyKeyRow, NewCommand, Submission
from oms.ports.exchange import ExchangeStateRows, TradeRow
from oms.ports.history_reads import HistoryQuery
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch, EventRow

Drawn = Mapping[str, Any]
DrawnSubmission = Drawn
DrawnBatch = Drawn

SYMBOLS = ("BTC/USDT", "btc/usdt", "ETH/USDT")
TRADE_IDS = ("T1", "t1", "T1 ", "T2")
CLIENT_IDS = ("C1", "c1", "C1 ", "é")
HOLD_TIMES = (None, datetime(2000, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC))
LONG_COMMENT = "é" * 300
UNKNOWN_ID = 999_999
FAILURE = Refused(code="risk_blocked", message="'no' \\ 100%", limit=Decimal("1.50"))


def _one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


SECONDS = st.integers(0, 4)
INDEXES = st.integers(0, 6)
COMMANDS = st.fixed_dictionaries(
    {
        "account": st.integers(0, 2),
        "at": SECONDS,
        "request_id": _one_of(None, "r", "R", "r ", "é"),
        "fingerprint": _one_of("a" * 64, "b" * 64),
        "type": _one_of("send_order", "ccxt_call"),
        "after": _one_of(None, None, 0, 1, 2, 3, -1),
        "hold": _one_of(*HOLD_TIMES),
        "comment": _one_of(None, "why", LONG_COMMENT),
    }
)
SUBMISSIONS = st.lists(
    st.fixed_dictionaries(
        {
            "commands": st.lists(COMMANDS, max_size=3),
            "key": _one_of(None, None, "k", "K"),
            "seconds": _one_of(10, 3600),
        }
    ),
    min_size=1,
    max_size=3,
)

PENDING = PendingClose(kind=StopKind.LOSS, command_id=7, failures=2, retry_at=NOON)
LEVELS = _one_of(
    None,
    Levels(stop_loss_pct=Decimal("1.5"), max_hold_seconds=60),
    Levels(
        targets=(
            Target(qty_pct=Decimal("33.3"), price=Decimal("0.000000000000000001"), is_reached=True),
            Target(qty_pct=Decimal(50), pct=Decimal("4.5")),
        ),
        stop_trailing_from_target=2,
        tp_sl_base_price=Decimal("100.5"),
        pending_close=evolve(PENDING, closed_until=Decimal("0.25")),
    ),
    Levels(stop_trailing_best=Decimal("0.000000000000000001"), arming=3, pending_close=PENDING),
)
VERDICT = OrderRisk(
    status=RiskStatus.BLOCKED,
    code="max_order_notional",
    price=Decimal("0.1"),
    checks=(
        LimitCheck(key="allowed_symbols", scope="global", scope_id=0, limit=["é/B"]),
        LimitCheck(
            key="max_order_notional",
            scope="strategy",
            scope_id=2,
            limit="10",
            measured="10.000000000000000001",
            passed=False,
        ),
    ),
)
ORDERS = st.fixed_dictionaries(
    {
        "client_order_id": _one_of(None, None, *CLIENT_IDS),
        "exchange_order_id": _one_of(None, None, "X1", "x1", "X2"),
        "symbol": _one_of(*SYMBOLS),
        "side": _one_of(*Side),
        "state": _one_of(*OrderState),
        "strategy_id": st.integers(0, 2),
        "position_id": st.integers(0, 3),
        "command_id": st.integers(1, 3),
        "qty": _one_of(Decimal("0.5"), Decimal("123456789012345678.123456789012345678")),
        "price": _one_of(None, Decimal("0.000000000000000001")),
        "requested_qty": _one_of(None, Decimal("0.123456789012345678")),
        "requested_price": _one_of(None, Decimal("987654321098765432.1")),
        "levels": LEVELS,
        "risk": _one_of(None, OrderRisk(pending_qty=Decimal("1e-18")), VERDICT),
        "fees": _one_of({}, {"BTC": Decimal("-0.1"), "USDT": Decimal("2")}),
        "reconciled": st.booleans(),
        "comment": _one_of(None, LONG_COMMENT),
        "params": _one_of({}, {"a": [1, "é"]}),
        "at": SECONDS,
    }
)
CHANGES = st.fixed_dictionaries(
    {
        "which": INDEXES,
        "exchange_order_id": _one_of(None, "X1", "X3"),
        "state": _one_of(*OrderState),
        "strategy_id": st.integers(0, 2),
        "filled_qty": _one_of(Decimal(0), Decimal("0.25")),
        "comment": _one_of(None, "changed"),
        "at": SECONDS,
    }
)
DEALS = st.fixed_dictionaries(
    {
        "exchange_trade_id": _one_of(*TRADE_IDS, None),
        "leg": st.integers(0, 1),
        "symbol": _one_of(*SYMBOLS),
        "order_id": st.integers(1, 4),
        "position_id": st.integers(1, 4),
        "strategy_id": st.integers(0, 2),
        "fee": _one_of(None, Decimal("-0.001")),
        "fee_rate": _one_of(None, FeeRate(rate=Decimal("1e-18"), source="é,x", at=NOON)),
        "reconciled": st.booleans(),
        "at": SECONDS,
    }
)
POSITIONS = st.fixed_dictionaries(
    {
        "which": INDEXES,
        "is_new": st.booleans(),
        "side": _one_of(*Side),
        "size": _one_of(Decimal(0), Decimal("1.5")),
        "cost": _one_of(Fraction(0), Fraction(-1, 3), Fraction(10**60 + 1, 7)),
        "symbol": _one_of(*SYMBOLS),
        "state": _one_of(*PositionState),
        "levels": LEVELS,
        "strategy_id": st.integers(0, 2),
        "at": SECONDS,
    }
)
RESULTS = st.fixed_dictionaries(
    {
        "which": INDEXES,
        "status": _one_of(*(each for each in CommandStatus if each != CommandStatus.QUEUED)),
        "order_id": _one_of(None, 7),
    }
)
EXCHANGE_STATES = st.fixed_dictionaries(
    {
        "state": _one_of(None, '{"cash":"1"}', '{"cash":"é"}'),
        "version": st.integers(1, 9),
        "orders": st.dictionaries(_one_of("X1", "x1", "X2"), _one_of(None, "{}", "[1]")),
        "trades": st.lists(_one_of("1", "10", "2", "a"), max_size=2, unique=True),
        "at": SECONDS,
        "prices": st.dictionaries(_one_of(*SYMBOLS), _one_of('{"p":"1"}', "{}")),
    }
)
BATCHES = st.lists(
    st.fixed_dictionaries(
        {
            "account": st.integers(0, 2),
            "stale": _one_of(0, 0, 0, 1),
            "ahead": _one_of(0, 0, 0, 50),
            "orders": st.lists(ORDERS, max_size=2),
            "changes": st.lists(CHANGES, max_size=2, unique_by=lambda drawn: drawn["which"]),
            "deals": st.lists(DEALS, max_size=2),
            "positions": st.lists(POSITIONS, max_size=2, unique_by=lambda drawn: drawn["which"]),
            "results": st.lists(RESULTS, max_size=2),
            "events": st.lists(st.integers(1, 3), max_size=2),
            "memory": st.none() | EXCHANGE_STATES,
        }
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda drawn: drawn["account"],
)

_TIMES = st.none() | SECONDS.map(seconds_after)
_STRATEGY_SETS = st.frozensets(st.integers(0, 2), max_size=2)
_STATUS_TERMS = ("FILLED", "CANCELED", "EXPIRED", "SUBMITTED", "open", "closed", "queued", "done")
WINDOWS = st.builds(
    HistoryQuery,
    account_ids=st.just(()),
    strategy_id=_one_of(None, None, None, 0, 1),
    strategies=st.none() | _STRATEGY_SETS,
    symbol=_one_of(None, None, *SYMBOLS),
    status=st.none() | st.frozensets(st.sampled_from(_STATUS_TERMS), max_size=3),
    reconciled=_one_of(None, None, True, False),
    order_id=_one_of(None, None, 1, 7),
    position_id=_one_of(None, None, 1),
    since=_TIMES,
    until=_TIMES,
    page=st.integers(1, 3),
    page_size=st.integers(1, 4),
    after_id=_one_of(None, 0, 1, 3, 8),
    descending=st.booleans(),
    with_total=st.booleans(),
)


class CallBuilder:
    """Builds calls from drawn values: allocates ids and tracks which are in use."""

    def __init__(self, account_ids: Sequence[int]) -> None:
        self._account_ids = account_ids
        self._ids: dict[str, int] = {}
        self._commands: list[int] = []

    def submissions(self, drawn: Sequence[DrawnSubmission]) -> list[Submission]:
        """Submissions with new command ids."""
        return [
            Submission(
                commands=tuple(self._command(each) for each in one["commands"]),
                key=None
                if one["key"] is None
                else IdempotencyKeyRow(
                    scope_hash=one["key"],
                    fingerprint="f" * 64,
                    expires_at=seconds_after(one["seconds"]),
                    http_status=None if one["commands"] else 201,
                    response=None if one["commands"] else '{"ok":"é"}',
                ),
            )
            for one in drawn
        ]

    def batches(self, model: StoreModel, drawn: Sequence[DrawnBatch]) -> list[AccountBatch]:
        """Batches with the current tokens and heads, or with stale ones where drawn so."""
        return [self._batch(model, one) for one in drawn]

    def _command(self, drawn: Drawn) -> NewCommand:
        after = None
        if drawn["after"] is not None:
            after = (
                UNKNOWN_ID if drawn["after"] < 0 else _nth_from_end(self._commands, drawn["after"])
            )
        command = a_command(
            self._fresh("command"),
            self._account_ids[drawn["account"]],
            # The queue is ordered by the time of storing; with equal clocks that is this order.
            at=len(self._commands),
            request_id=drawn["request_id"],
            fingerprint=drawn["fingerprint"],
            after=after,
            hold_until=drawn["hold"],
        )
        self._commands.append(command.id)
        return evolve(command, command_type=drawn["type"], comment=drawn["comment"])

    def _batch(self, model: StoreModel, drawn: DrawnBatch) -> AccountBatch:
        account_id = self._account_ids[drawn["account"]]
        stream = model.streams[account_id]
        token, head = max(0, stream.token - drawn["stale"]), stream.head + drawn["ahead"]
        positions = [self._position(model, account_id, each) for each in drawn["positions"]]
        existing = model.books.positions
        events = self._events(account_id, head, drawn["events"])
        memory = drawn["memory"]
        return AccountBatch(
            lease=Lease(account_id=account_id, token=token),
            head_before=head,
            head_after=events[-1].seq_to if events else head,
            orders_new=[self._order(account_id, each) for each in drawn["orders"]],
            orders_changed=_changed(model, account_id, drawn["changes"]),
            deals=[self._deal(account_id, each) for each in drawn["deals"]],
            positions_new=[each for each in positions if each.id not in existing],
            positions_changed=[each for each in positions if each.id in existing],
            results=_results(model, account_id, drawn["results"]),
            events=events,
            exchange_state=None if memory is None else _exchange_state(memory),
        )

    def _order(self, account_id: int, drawn: Drawn) -> Order:
        changes = {name: each for name, each in drawn.items() if name != "at"}
        order_id, at = self._fresh("order"), seconds_after(drawn["at"])
        return an_order(order_id, account_id, **changes, created_at=at, updated_at=at)

    def _deal(self, account_id: int, drawn: Drawn) -> Deal:
        deal_id, at = self._fresh("deal"), seconds_after(drawn["at"])
        changes = {name: each for name, each in drawn.items() if name != "at"}
        if changes["exchange_trade_id"] is None:
            changes["exchange_trade_id"] = f"T-{deal_id}"
        return a_deal(deal_id, account_id, **changes, executed_at=at)

    def _position(self, model: StoreModel, account_id: int, drawn: Drawn) -> Position:
        rows = [p for p in model.books.positions.values() if p.account_id == account_id]
        if drawn["is_new"] or not rows:
            side = drawn["side"]
            before = a_position(
                self._fresh("position"), account_id, side=side, symbol=drawn["symbol"]
            )
        else:
            before = rows[drawn["which"] % len(rows)]
        return evolve(
            before,
            qty=drawn["size"] if before.side is Side.BUY else -drawn["size"],
            cost=drawn["cost"],
            state=drawn["state"],
            levels=drawn["levels"],
            strategy_id=drawn["strategy_id"],
            version=before.version + 1,
            updated_at=seconds_after(drawn["at"]),
        )

    def _events(self, account_id: int, head: int, spans: Sequence[int]) -> list[EventRow]:
        rows = []
        for span in spans:
            event_id = self._fresh("event", span)
            rows.append(an_event(event_id, account_id, head + 1, head + span))
            head += span
        return rows

    def _fresh(self, kind: str, count: int = 1) -> int:
        first = self._ids.get(kind, 1)
        self._ids[kind] = first + count
        return first


def _changed(model: StoreModel, account_id: int, drawn: Sequence[Drawn]) -> list[Order]:
    rows = [order for order in model.books.orders.values() if order.account_id == account_id]
    changed: dict[int, Order] = {}
    for each in drawn if rows else ():
        before = rows[each["which"] % len(rows)]
        changes = {name: value for name, value in each.items() if name not in ("which", "at")}
        changes |= {"version": before.version + 1, "updated_at": seconds_after(each["at"])}
        changed[before.id] = evolve(before, **changes)
    return list(changed.values())


def _results(
    model: StoreModel, account_id: int, drawn: Sequence[Drawn]
) -> dict[int, CommandResult]:
    ids = [row.id for row in model.books.commands.values() if row.account_id == account_id]
    results = {}
    for each in drawn if ids else ():
        is_error = each["status"] in (CommandStatus.FAILED, CommandStatus.REFUSED)
        results[ids[each["which"] % len(ids)]] = CommandResult(
            status=each["status"],
            order_id=each["order_id"],
            error=FAILURE if is_error else None,
            value=None if is_error else '{"é":1}',
        )
    return results


def _exchange_state(drawn: Drawn) -> ExchangeStateRows:
    return ExchangeStateRows(
        state=drawn["state"],
        state_hash="h" * 64,
        version=drawn["version"],
        orders=drawn["orders"],
        trades=tuple(
            TradeRow(trade_id=name, symbol="é", executed_at=seconds_after(drawn["at"]), trade="{}")
            for name in drawn["trades"]
        ),
        prices=drawn["prices"],
    )


def _nth_from_end(ids: Sequence[int], index: int) -> int | None:
    """The id at ``index`` from the end, so that recent ids are most frequent; None if too far."""
    return ids[-1 - index] if index < len(ids) else None
