"""Run one command against its account's home: judge it, ask the exchange, record the answer.

The result of every command is in the home's draft when this returns, together with all it
changed: they are written by one and the same transaction. A refusal is a result like any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import assert_never

from oms.domain.account import Engine
from oms.domain.command import (
    CONTROL,
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    CloseAll,
    CloseBy,
    ClosePosition,
    Command,
    CommandResult,
    CommandStatus,
    MergePositions,
    PositionChange,
    Reassign,
    SendOrder,
)
from oms.domain.control import (
    AdminMutate,
    Kill,
    PaperDeposit,
    PaperPrice,
    PaperReset,
    ReadConnection,
    Reconcile,
    Refresh,
    Resolve,
    RiskSwitch,
)
from oms.domain.discrepancy import Decide
from oms.domain.errors import Conflict, Invalid, OmsError, Refused
from oms.domain.grid import change_on_grid
from oms.domain.order import Order
from oms.domain.report import Report, ReportKind
from oms.domain.risk import (
    Desk,
    admit_change,
    not_open,
    unknown_symbol,
)
from oms.domain.value import evolve
from oms.ports.exchange import Exchange, Print, Quote
from oms.ports.ledger import LedgerStore
from oms.services.awaiting import begun, ended
from oms.services.caps import Caps, Opening
from oms.services.ccxt_call import CcxtCalls
from oms.services.home import Home
from oms.services.kill import KillAct, KillSwitches, refuse_move
from oms.services.linked import Linked
from oms.services.mutate import Mutate
from oms.services.place import Place
from oms.services.reach import refuse_unreached
from oms.services.rearrange import Rearrange
from oms.services.reconcile import Deciding, Reconciling
from oms.services.record import Changes, Record
from oms.services.resolve import Resolving
from oms.services.rights import Rights
from oms.services.strategies import strategies_of
from oms.services.sweep import Sweep
from oms.services.switch import switched
from oms.wire.connection import connection_row
from oms.wire.json import dumps


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute:
    """Runs commands, one at a time per home."""

    ledger: LedgerStore
    record: Record
    rights: Rights
    place: Place
    sweep: Sweep
    rearrange: Rearrange
    reconcile: Reconciling
    max_queue_seconds: float
    #: Learns of strategies that were made or changed since the home was furnished.
    linked: Linked | None = None
    #: Sets rows right; ``None`` where nobody may ask for it.
    mutate: Mutate | None = None
    #: The kill switches that are pulled; ``None`` where nobody pulls any.
    switches: KillSwitches | None = None

    async def __call__(self, home: Home, command: Command, now: datetime) -> None:
        """Run ``command``; its result and all it changed are in the home's draft."""
        changes = Changes()
        result = await self._refuse_before(home, command, now)
        if result is None:
            result = begun(home, command, await self._run(home, command, changes, now))
        if result.status is CommandStatus.RUNNING:
            home.draft.results[command.id] = result  # its end will be told
            await self.record.tell(home, changes)
        else:
            await self.record.tell(home, changes, (command, result))
        for ending in ended(home, (), changes) if home.awaited else ():
            await self.record.tell(home, Changes(), ending)

    async def _refuse_before(
        self, home: Home, command: Command, now: datetime
    ) -> CommandResult | None:
        waited = (now - command.created_at).total_seconds()
        if waited > self.max_queue_seconds and type(command.payload) not in CONTROL:
            return refused(
                Refused(
                    code="command_expired",
                    message=f"queued longer than {self.max_queue_seconds:g} s",
                    limit=Decimal(str(self.max_queue_seconds)),
                    set_by="commands.max_queue_s",
                )
            )
        if (trouble := refuse_unreached(home, command.payload)) is not None:
            return refused(trouble)
        if self.linked is not None:
            await self.linked(home, command.payload, now)
        if self.switches is not None:
            await self.switches(home, now)
            if (killed := refuse_move(home, command)) is not None:
                return refused(killed)
        strategies = strategies_of(home, command.payload)
        denied = await self.rights(command.actor, home.account.id, command.payload, strategies, now)
        return None if denied is None else refused(denied)

    async def _run(
        self, home: Home, command: Command, changes: Changes, now: datetime
    ) -> CommandResult:
        match command.payload:
            case SendOrder() | ClosePosition():
                return await self.place(home, command, changes, now)
            case CancelOrder() as wish:
                return await self._cancel(home, wish, changes, now)
            case ChangeOrder() as wish:
                return await self._change(home, command, wish, changes, now)
            case PaperPrice() as wish:
                return await self._set_price(home, wish, changes, now)
            case PaperDeposit() as wish:
                return await self._deposit(home, wish, changes, now)
            case CancelAllOrders() | CloseAll():
                return await self.sweep(home, command, self._cancel_one, changes, now)
            case CloseBy() as wish:
                return await self.rearrange.close_by(home, command, wish, changes, now)
            case MergePositions() as wish:
                return self.rearrange.merge(home, command, wish, changes, now)
            case PositionChange() as wish:
                return self.rearrange.change(home, wish, changes, now)
            case Reassign() as wish:
                return await self.rearrange.reassign(home, wish, changes, now)
            case RiskSwitch() as wish:
                return switched(home, command, wish, changes)
            case AdminMutate() as wish:
                assert self.mutate is not None, "a worker that takes it has the part"
                return await self.mutate(home, command, wish, changes, now)
            case Decide() as wish:
                deciding = Deciding(reconciling=self.reconcile, rights=self.rights)
                return await deciding(home, command, wish, changes, now)
            case Kill() as wish:
                return await KillAct(sweep=self.sweep)(
                    home, command, wish, self._cancel_one, changes, now
                )
            case Reconcile() as wish:
                if home.exchange.answers_later():
                    return await self.reconcile.begin(home, command, now)
                return await self.reconcile(home, wish, changes, now)
            case Refresh() as wish:
                return await self._resolving().refresh(home, command, wish, changes, now)
            case Resolve() as wish:
                return await self._resolving().resolve(home, command, wish, changes, now)
            case ReadConnection():
                row = connection_row(home.exchange.connection(), home.exchange.trouble())
                return CommandResult(status=CommandStatus.DONE, value=dumps(row))
            case CcxtCall() as wish:
                calls = CcxtCalls(record=self.record, caps=self.place.caps)
                return await calls(home, command, wish, changes, now)
            case PaperReset():
                await self.record(home, await home.exchange.reset(None, now), changes)
                return CommandResult(status=CommandStatus.DONE)
            case _:
                assert_never(command.payload)

    def _resolving(self) -> Resolving:
        return Resolving(ledger=self.ledger, record=self.record, rights=self.rights)

    async def _cancel(
        self, home: Home, wish: CancelOrder, changes: Changes, now: datetime
    ) -> CommandResult:
        canceled: list[int] = []
        skipped: list[tuple[int, Refused]] = []
        for order_id in wish.order_ids:
            problem = await self._cancel_one(home, order_id, changes, now)
            if problem is None:
                canceled.append(order_id)
            else:
                skipped.append((order_id, problem))
        single = wish.order_ids[0] if len(wish.order_ids) == 1 else None
        if single is not None and skipped:
            why = skipped[0][1]
            if why.outcome == "unknown":
                return CommandResult(status=CommandStatus.UNKNOWN, error=why, order_id=single)
            return refused(why, order_id=single)
        return CommandResult(
            status=CommandStatus.DONE,
            order_id=single,
            order_ids=tuple(canceled),
            skipped=tuple((order_id, why.reason or why.code) for order_id, why in skipped),
        )

    async def _cancel_one(
        self, home: Home, order_id: int, changes: Changes, now: datetime
    ) -> Refused | None:
        order = await self._order(home, order_id)
        if order is None:
            return _order_not_found(order_id)
        if not order.is_open:
            return not_open(order)
        reports = await home.exchange.cancel(order, now)
        return await self._applied(home, order, "cancel", reports, changes)

    async def _change(
        self, home: Home, command: Command, wish: ChangeOrder, changes: Changes, now: datetime
    ) -> CommandResult:
        order = await self._order(home, wish.order_id)
        if order is None:
            return refused(_order_not_found(wish.order_id), order_id=wish.order_id)
        desk = Desk(
            account=home.account,
            instrument=home.exchange.instruments()[order.symbol],
            positions=home.positions_in(order.symbol),
            orders=home.orders_in(order.symbol),
            strategy_ids=home.strategy_ids,
            killed=home.killed(order.symbol, order.strategy_id, command.actor.api_key_id),
        )
        if home.account.engine is not Engine.PAPER:
            wish = change_on_grid(wish, order.side, desk.instrument)
        denied = admit_change(wish, order, desk)
        caps = self.place.caps
        if denied is None and caps is not None and caps.hold(command.actor.api_key_id):
            denied = await _over_caps(caps, home, command, wish, order, now)
        if denied is not None:
            return refused(denied, order_id=order.id)
        reports = await home.exchange.change(order, wish.new_price, wish.new_qty, now)
        denied = await self._applied(home, order, "change", reports, changes)
        if denied is not None:
            in_doubt = denied.outcome == "unknown"
            status = CommandStatus.UNKNOWN if in_doubt else CommandStatus.FAILED
            return CommandResult(status=status, error=denied, order_id=order.id)
        return CommandResult(status=CommandStatus.DONE, order_id=order.id)

    async def _applied(
        self, home: Home, order: Order, wish: str, reports: Sequence[Report], changes: Changes
    ) -> Refused | None:
        """Record an answer to a cancel or change; a ``rejected`` report means: nothing done.

        What is not answered yet, or whose answer was lost, stays noted at the order.
        """
        mine = {report.kind: report for report in reports if report.order_id == order.id}
        refusal = mine.get(ReportKind.REJECTED)
        in_doubt = mine.pop(ReportKind.UNKNOWN, None)
        aside = (ReportKind.REJECTED, ReportKind.UNKNOWN)
        facts = [r for r in reports if r.order_id != order.id or r.kind not in aside]
        await self.record(home, facts, changes)
        if refusal is not None:
            return Refused(
                code=refusal.code or "exchange_rejected",
                message=refusal.message or "the exchange said no",
                outcome="rejected",
            )
        if not mine:
            self._note(home, order.id, wish, changes)
        if in_doubt is None:
            return None
        message = f"the exchange may have carried out the {wish}; it is being looked up"
        return Refused(code="outcome_unknown", message=message, outcome="unknown")

    def _note(self, home: Home, order_id: int, wish: str, changes: Changes) -> None:
        """A change or cancel is under way; its end is told with the order's next reports."""
        order = home.known_order(order_id)
        if order is None or not order.is_open:
            return
        noted = evolve(order, pending_change=wish, version=order.version + 1)
        home.put_order(noted)
        changes.orders[noted.id] = noted
        changes.exec_types[noted.id] = (f"{wish}_requested", False)

    async def _set_price(
        self, home: Home, wish: PaperPrice, changes: Changes, now: datetime
    ) -> CommandResult:
        if wish.symbol not in home.exchange.instruments():
            known = home.exchange.instruments()
            return refused(unknown_symbol(wish.symbol, known, home.account.exchange_id))
        return await _or_refused(lambda: _told(home.exchange, wish, now), home, changes, self)

    async def _deposit(
        self, home: Home, wish: PaperDeposit, changes: Changes, now: datetime
    ) -> CommandResult:
        def ask() -> Sequence[Report]:
            return home.exchange.deposit(wish.currency, wish.amount, now)

        return await _or_refused(ask, home, changes, self)

    async def _order(self, home: Home, order_id: int) -> Order | None:
        """An order of this account, from memory or, once final, from the store."""
        return home.known_order(order_id) or await self.ledger.order(home.account.id, order_id)


def _told(exchange: Exchange, wish: PaperPrice, now: datetime) -> Sequence[Report]:
    """Set the price, then tell the trade. Raises ``Invalid``, ``Conflict``."""
    reports: list[Report] = []
    if wish.bid is not None and wish.ask is not None:
        quote = Quote(
            symbol=wish.symbol,
            bid=wish.bid,
            ask=wish.ask,
            bid_qty=wish.bid_qty,
            ask_qty=wish.ask_qty,
            bids=wish.bids,
            asks=wish.asks,
            at=now,
        )
        reports += exchange.set_price(quote)
    if wish.print_price is not None and wish.print_qty is not None:
        trade = Print(
            symbol=wish.symbol,
            price=wish.print_price,
            qty=wish.print_qty,
            side=wish.print_side,
            at=now,
        )
        reports += exchange.set_print(trade)
    return reports


async def _over_caps(
    caps: Caps, home: Home, command: Command, wish: ChangeOrder, order: Order, now: datetime
) -> Refused | None:
    """Whether the order as it shall be is above a cap of the key that changes it."""
    if order.reduce_only:
        return None
    opening = Opening(
        command_id=order.command_id or command.id,
        symbol=order.symbol,
        qty=wish.new_qty or order.qty,
        price=wish.new_price or order.price or order.trigger_price,
    )
    return await caps(home, command.actor.api_key_id, opening, now)


def refused(why: Refused, *, order_id: int | None = None) -> CommandResult:
    """The result of a command that is not granted."""
    return CommandResult(status=CommandStatus.REFUSED, error=why, order_id=order_id)


async def _or_refused(
    ask: Callable[[], Sequence[Report]], home: Home, changes: Changes, execute: Execute
) -> CommandResult:
    try:
        reports = ask()
    except (Invalid, Conflict) as wrong:
        return refused(_as_refusal(wrong))
    await execute.record(home, reports, changes)
    return CommandResult(status=CommandStatus.DONE)


def _as_refusal(wrong: OmsError) -> Refused:
    return Refused(code=wrong.code, message=wrong.message, reason=wrong.reason)


def _order_not_found(order_id: int) -> Refused:
    return Refused(code="order_not_found", message=f"order {order_id} is not in this account")
