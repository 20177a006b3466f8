"""The watcher of stop levels of one account: prices in, system commands out.

It runs with each look at the market of an account that has armed positions. A level that is reached
is recorded with the position, in one transaction with the system command that closes it; so a crash
neither forgets nor repeats a close. A close that fails is repeated with back-off until the position
is closed or its levels are changed. Without a fresh price nothing is closed but what was held too
long. While a market is closed its positions are left alone. Levels that rest as orders at the
exchange are left to it.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.account import Engine
from oms.domain.commands.command import ClosePosition
from oms.domain.errors import Refused
from oms.domain.event import Event, Namespace
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Position
from oms.domain.money import add
from oms.domain.protection.levels import NO_LEVELS, Levels, PendingClose, StopKind, rearmed
from oms.domain.protection.native_orders import may_use_native, watched_part
from oms.domain.protection.stop_rule import StopDecision, decide_stop, is_armed, track_best
from oms.domain.protection.targets import open_share, share_of, with_reached
from oms.domain.quotes import Quote
from oms.domain.risk.kill_switch import KillMode
from oms.domain.value import evolve
from oms.ports.command_queue import CommandQueue, CommandRow
from oms.ports.ids import IdBlocks
from oms.services.account_state.follow_ups import add_follow_up
from oms.services.account_state.state import AccountState
from oms.services.commands.kill_switch import KillSwitchCache
from oms.services.ledger.record import Changes, RecordReports
from oms.services.protection.close_outcome import close_outcome
from oms.services.protection.exit_prices import exit_price
from oms.services.protection.native_orders import NativeOrders
from oms.services.risk.market_session import refuse_closed_market

logger = logging.getLogger(__name__)

RETRY_SECONDS = (1, 2, 5, 10, 30)
"""Pauses before a failed close is repeated; the last one counts from then on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchStops:
    """Judges the armed positions of an account."""

    record: RecordReports
    ids: IdBlocks
    queue: CommandQueue
    native: NativeOrders
    #: ``None`` if there are no kill switches.
    kill_switches: KillSwitchCache | None
    #: Prices older than this close nothing.
    price_age: timedelta

    async def __call__(self, state: AccountState, changes: Changes, now: datetime) -> None:
        """Judge all armed positions; what follows is in the unit of work and in ``changes``."""
        state.watched_at = now
        if self.kill_switches is not None:
            await self.kill_switches(state)
        rows = await self._pending_rows(state)
        quotes: dict[str, Quote | None] = {}
        uses_native = may_use_native(state.account)
        instruments = state.exchange.instruments()
        for position_id in (*state.armed, *(state.native_positions - state.armed.keys())):
            position = state.positions.get(position_id)
            if position is None or refuse_closed_market(state, position.symbol, now):
                continue
            if position.symbol not in instruments:
                self._fresh_quote(state, position, changes, now)  # Reports that there is none.
                continue
            has_orders = position_id in state.native_positions or bool(
                position.levels and position.levels.native
            )
            if uses_native or has_orders:
                levels = await self.native.follow(state, position, changes, now)
                position = self._put_changed(state, position, levels, changes, now)
            is_trailing = position.levels is not None and position.levels.is_trailing
            if is_trailing or is_armed(watched_part(position)):
                if position.symbol not in quotes:
                    quotes[position.symbol] = self._fresh_quote(state, position, changes, now)
                await self._watch(state, position, quotes[position.symbol], rows, changes, now)
            if uses_native:
                await self._place_native(state, state.positions[position.id], changes, now)
        if state.native_positions:
            await self.native.release(state, changes, now)

    async def _watch(
        self,
        state: AccountState,
        position: Position,
        quote: Quote | None,
        rows: Mapping[int, CommandRow],
        changes: Changes,
        now: datetime,
    ) -> None:
        price = None if quote is None else exit_price(state.account.stops, position, quote)
        if position.levels is not None and position.levels.pending_close is not None:
            await self._follow(state, position, price, rows, changes, now)
        else:
            await self._judge(state, position, price, changes, now)

    async def _place_native(
        self, state: AccountState, position: Position, changes: Changes, now: datetime
    ) -> None:
        """Place orders at the exchange, unless the position is being closed, nothing may act, or
        the exchange cannot be reached.
        """
        levels = position.levels or NO_LEVELS
        is_reachable = state.exchange.unavailable_reason() is None
        if is_reachable and levels.pending_close is None and not _is_halted(state, position):
            placed = await self.native.place(state, position, levels, changes, now)
            self._put_changed(state, position, placed, changes, now)

    async def _judge(
        self,
        state: AccountState,
        position: Position,
        price: Decimal | None,
        changes: Changes,
        now: datetime,
    ) -> None:
        levels, best = position.levels or NO_LEVELS, track_best(position, price)
        if best != levels.stop_trailing_best:
            levels = evolve(levels, stop_trailing_best=best)
            position = self._put(state, position, levels, changes, now)
        decision = decide_stop(watched_part(position), price, now, state.account.stops.min_age)
        if decision.kind is None or _is_halted(state, position):
            return
        qty: Decimal | None = None
        if decision.targets:
            instrument = state.exchange.instruments()[position.symbol]
            qty = share_of(position, decision.targets, instrument)
            levels = with_reached(levels, decision.targets)
            if qty == 0:  # The targets that follow close it.
                self._put(state, position, levels, changes, now)
                return
        levels = await self._close(state, position, levels, decision.kind, 0, now, qty)
        changes.events.append(_triggered_event(position, decision, price, levels))
        self._put(state, position, levels, changes, now)

    async def _follow(
        self,
        state: AccountState,
        position: Position,
        price: Decimal | None,
        rows: Mapping[int, CommandRow],
        changes: Changes,
        now: datetime,
    ) -> None:
        """Continue a close that has not closed the position yet."""
        levels = position.levels
        assert levels is not None and levels.pending_close is not None, "the caller has checked it"
        pending = levels.pending_close
        step = state.exchange.instruments()[position.symbol].step
        rest = open_share(position, pending, step)
        if pending.command_id is not None:
            outcome = close_outcome(state, position, pending.command_id, rows)
            if not outcome.has_ended:
                return
            if rest == 0:
                levels = evolve(levels, arming=levels.arming + 1, pending_close=None)
                position = self._put(state, position, levels, changes, now)
                await self._judge(state, position, price, changes, now)
                return
            is_first_remainder = outcome.error is None and not pending.failures
            failures = pending.failures + 1
            retry_at = now if is_first_remainder else now + _pause(failures)
            if outcome.error is not None:
                changes.events.append(_failed_event(position, pending, outcome.error, retry_at))
            pending = evolve(pending, command_id=None, failures=failures, retry_at=retry_at)
            levels = evolve(levels, arming=levels.arming + 1, pending_close=pending)
            position = self._put(state, position, levels, changes, now)
        if pending.closed_until is not None and self._closes_all(state, position, price, now):
            # A target whose close fails does not keep the stop loss from closing all.
            position = self._put(state, position, rearmed(levels), changes, now)
            await self._judge(state, position, price, changes, now)
            return
        needs_price = pending.kind is not StopKind.TIMEOUT
        is_due = pending.retry_at is None or now >= pending.retry_at
        if not is_due or (needs_price and price is None) or _is_halted(state, position):
            return
        failures = pending.failures
        levels = await self._close(state, position, levels, pending.kind, failures, now, rest)
        self._put(state, position, levels, changes, now)

    def _closes_all(
        self, state: AccountState, position: Position, price: Decimal | None, now: datetime
    ) -> bool:
        """Return whether a level that closes all is reached."""
        decision = decide_stop(watched_part(position), price, now, state.account.stops.min_age)
        return decision.kind is not None and not decision.targets

    async def _close(
        self,
        state: AccountState,
        position: Position,
        levels: Levels,
        kind: StopKind,
        failures: int,
        now: datetime,
        qty: Decimal | None = None,
    ) -> Levels:
        """Add the command that closes ``qty`` or all; returns the levels that name it."""
        closing = ClosePosition(position_id=position.id, reason=kind.value, qty=qty)
        name = f"stop:{position.id}:{levels.arming}"
        command_id = await add_follow_up(state, self.ids, name, closing, now)
        until = None if qty is None else add(position.qty_closed, qty)
        pending = PendingClose(
            kind=kind, command_id=command_id, failures=failures, closed_until=until
        )
        return evolve(levels, pending_close=pending)

    def _put(
        self,
        state: AccountState,
        position: Position,
        levels: Levels,
        changes: Changes,
        now: datetime,
    ) -> Position:
        after = evolve(position, levels=levels, updated_at=now, version=position.version + 1)
        self.record.stage(state, LedgerUpdate(positions=(after,)), changes)
        return after

    def _put_changed(
        self,
        state: AccountState,
        position: Position,
        levels: Levels,
        changes: Changes,
        now: datetime,
    ) -> Position:
        """Store the position if the levels differ from its own."""
        if levels == (position.levels or NO_LEVELS):
            return position
        return self._put(state, position, levels, changes, now)

    async def _pending_rows(self, state: AccountState) -> Mapping[int, CommandRow]:
        """Return the stored commands of closes that wait for no answer of the exchange."""
        ids: list[int] = []
        for position in state.armed.values():
            pending = None if position.levels is None else position.levels.pending_close
            if pending is not None and pending.command_id is not None:
                ids.append(pending.command_id)
        ids = [command_id for command_id in ids if command_id not in state.pending]
        return await self.queue.find(ids) if ids else {}

    def _fresh_quote(
        self, state: AccountState, position: Position, changes: Changes, now: datetime
    ) -> Quote | None:
        """Return the prices of the position's symbol if they are fresh; reports once that not.

        A quote without the price that the account's levels are compared with counts as none. A
        paper exchange itself returns no price that is too old; one set manually does not age.
        """
        symbol = position.symbol
        quote = state.exchange.quote(symbol, now)
        if quote is not None and exit_price(state.account.stops, position, quote) is None:
            quote = None
        is_aging = state.account.engine is not Engine.PAPER
        if quote is not None and not (is_aging and now - quote.at > self.price_age):
            state.priced_at[symbol] = quote.at if is_aging else now
            state.stale_symbols.discard(symbol)
            return quote
        age = now - state.priced_at.setdefault(symbol, now)
        if age >= self.price_age and symbol not in state.stale_symbols:
            state.stale_symbols.add(symbol)
            age_ms = age // timedelta(milliseconds=1)
            logger.warning(
                "stop_price_stale account_id=%d symbol=%s age_ms=%d",
                state.account.id,
                symbol,
                age_ms,
            )
            facts = {"symbol": symbol, "age_ms": age_ms}
            event = Event(name="stop_price_stale", namespace=Namespace.RISK, facts=facts)
            changes.events.append(event)
        return None


def _is_halted(state: AccountState, position: Position) -> bool:
    """Return whether a kill switch of mode ``halt`` applies; the gateway's closes pass others."""
    switch = state.kill_switch_for(position.symbol, position.strategy_id, 0)
    return switch is not None and switch.mode is KillMode.HALT


def _pause(failures: int) -> timedelta:
    return timedelta(seconds=RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1])


def _triggered_event(
    position: Position, decision: StopDecision, price: Decimal | None, levels: Levels
) -> Event:
    assert decision.kind is not None and levels.pending_close is not None, "it was triggered"
    facts = {
        "position_id": position.id,
        "kind": decision.kind.value,
        "level": decision.level,
        "price": price,
        "command_id": levels.pending_close.command_id,
        "targets": [index + 1 for index in decision.targets],
    }
    return Event(name="stop_triggered", strategy_id=position.strategy_id, facts=facts)


def _failed_event(
    position: Position, pending: PendingClose, error: Refused, retry_at: datetime
) -> Event:
    facts = {
        "position_id": position.id,
        "kind": pending.kind.value,
        "command_id": pending.command_id,
        "code": error.code,
        "message": error.message,
        "retry_at": retry_at,
    }
    return Event(name="stop_close_failed", strategy_id=position.strategy_id, facts=facts)
