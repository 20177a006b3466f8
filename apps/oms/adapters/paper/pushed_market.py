"""A paper exchange whose market is pushed to it, update by update: for replays of candles."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.adapters.paper.paper_engine import PaperEngine
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.instrument import Instrument
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.value import evolve
from oms.ports.ledger_store import LoadedAccount
from oms.simulation.inputs import MarketUpdate


class PushedMarketExchange(PaperExchange):
    """Applies what was pushed with the next poll, before anything else happens at that time."""

    def __init__(self, loaded: LoadedAccount, instruments: Mapping[str, Instrument]) -> None:
        """``instruments`` replace those of the account."""
        engine = PaperEngine(loaded.account, loaded.exchange_state)
        engine.settings = evolve(engine.settings, instruments=instruments)
        super().__init__(loaded.account, engine)
        self._updates: list[MarketUpdate] = []

    def push(self, update: MarketUpdate) -> None:
        """Apply an update with the next ``poll_reports``."""
        self._updates.append(update)

    def needs_polling(self) -> bool:
        """Return whether an update waits, or anything may happen without a command."""
        return bool(self._updates) or super().needs_polling()

    def is_idle(self) -> bool:
        """Return whether no update of a market could change the account."""
        return not super().needs_polling()

    async def poll_reports(self, now: datetime) -> Sequence[ExecutionReport]:
        """Apply the updates, and return the reports."""
        updates, self._updates = self._updates, []
        steps = [self._engine.step(update) for update in updates]
        return [*self._reports(steps, now), *await super().poll_reports(now)]
