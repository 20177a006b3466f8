"""Commands that control a paper exchange: prices, deposits, reset."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.commands.account_commands import PaperDeposit, PaperPrice
from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.errors import Conflict, Invalid, Refused
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.quotes import PublicTrade, Quote
from oms.domain.risk.admission import refuse_unknown_symbol
from oms.ports.exchange import PaperExchangeControls
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes, RecordReports


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperControls:
    """Runs ``PaperPrice``, ``PaperDeposit`` and ``PaperReset``."""

    record: RecordReports

    async def set_price(
        self, state: AccountState, payload: PaperPrice, changes: Changes, now: datetime
    ) -> CommandResult:
        """Set the price of a symbol, and emit a public trade if there is one."""
        if payload.symbol not in state.exchange.instruments():
            instruments = state.exchange.instruments()
            return CommandResult.refused(
                refuse_unknown_symbol(payload.symbol, instruments, state.account.exchange_id)
            )
        return await self._record_or_refuse(
            lambda: _set_market(_controls(state, "the price"), payload, now), state, changes
        )

    async def deposit(
        self, state: AccountState, payload: PaperDeposit, changes: Changes, now: datetime
    ) -> CommandResult:
        """Deposit or withdraw an amount."""
        return await self._record_or_refuse(
            lambda: _controls(state, "a deposit").deposit(payload.currency, payload.amount, now),
            state,
            changes,
        )

    async def reset(self, state: AccountState, changes: Changes, now: datetime) -> CommandResult:
        """Reset the exchange to its initial balances."""
        await self.record(state, await _controls(state, "a reset").reset(None, now), changes)
        return CommandResult(status=CommandStatus.DONE)

    async def _record_or_refuse(
        self,
        request: Callable[[], Sequence[ExecutionReport]],
        state: AccountState,
        changes: Changes,
    ) -> CommandResult:
        try:
            reports = request()
        except (Invalid, Conflict) as error:
            refused = Refused(code=error.code, message=error.message, reason=error.reason)
            return CommandResult.refused(refused)
        await self.record(state, reports, changes)
        return CommandResult(status=CommandStatus.DONE)


def _controls(state: AccountState, operation: str) -> PaperExchangeControls:
    """Return the controls of the paper exchange. Raises ``Conflict`` for a real exchange."""
    if state.paper is None:
        raise Conflict(f"{operation} is for paper accounts only", reason="paper_only")
    return state.paper


def _set_market(
    controls: PaperExchangeControls, payload: PaperPrice, now: datetime
) -> Sequence[ExecutionReport]:
    """Set the price, then the public trade. Raises ``Invalid``, ``Conflict``."""
    reports: list[ExecutionReport] = []
    if payload.bid is not None and payload.ask is not None:
        quote = Quote(
            symbol=payload.symbol,
            bid=payload.bid,
            ask=payload.ask,
            bid_qty=payload.bid_qty,
            ask_qty=payload.ask_qty,
            bids=payload.bids,
            asks=payload.asks,
            at=now,
        )
        reports += controls.set_price(quote)
    if payload.print_price is not None and payload.print_qty is not None:
        trade = PublicTrade(
            symbol=payload.symbol,
            price=payload.print_price,
            qty=payload.print_qty,
            side=payload.print_side,
            at=now,
        )
        reports += controls.set_public_trade(trade)
    return reports
