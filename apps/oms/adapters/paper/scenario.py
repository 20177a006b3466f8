"""Runs a paper exchange from a scenario: timed inputs as JSON lines (``json_inputs``).

A run can be saved between two lines and continued later with the same result. Invalid lines,
unknown symbols and times before the previous line are refused.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from oms.adapters.paper.market_data.json_inputs import Fields, parse_input
from oms.adapters.paper.market_data.price_sources import PriceSource
from oms.adapters.paper.paper_engine import PaperEngine
from oms.domain.account import Account
from oms.domain.errors import Invalid
from oms.ports.exchange import ExchangeStateRows
from oms.simulation.events import PaperEvent
from oms.simulation.inputs import CancelOrder, ChangeOrder, Input, MarketUpdate, NewOrderPair
from oms.simulation.state.state_json import decode_state, encode_state, state_hash

#: Keys whose numbers must be above zero.
_POSITIVE = ("qty", "price", "amount", "bid", "ask", "open", "high", "low", "close")


class ScenarioRunner:
    """One account's paper exchange, and the number of lines and events processed."""

    def __init__(self, account: Account, tapes: Path, saved: str | None = None) -> None:
        """A new exchange, or the one that ``saved`` describes. Raises ``Invalid``."""
        self.engine = PaperEngine(account, ExchangeStateRows(), tapes)
        self.lines = 0
        self.event_count = 0
        self.last: datetime | None = None
        if saved is not None:
            self._resume(saved)

    def dump(self) -> str:
        """Returns all that a later run needs to continue, as JSON."""
        last = None if self.last is None else self.last.isoformat()
        saved: dict[str, Any] = {
            "memory": encode_state(self.engine.state),
            "tapes": self.engine.tape_positions(),
            "lines": self.lines,
            "facts": self.event_count,
            "last": last,
        }
        return json.dumps(saved, sort_keys=True)

    def state_hash(self) -> str:
        """Returns the SHA-256 of the exchange state in hex."""
        return state_hash(self.engine.state)

    def run(self, lines: Iterable[Fields]) -> list[PaperEvent]:
        """Processes JSON lines and returns the events. Raises ``Invalid`` with the line number."""
        events: list[PaperEvent] = []
        for fields in lines:
            self.lines += 1
            try:
                events += self._feed(fields)
            except Invalid as error:
                raise Invalid(f"line {self.lines}: {error.message}", code=error.code) from None
        self.event_count += len(events)
        return events

    def _feed(self, fields: Fields) -> Iterable[PaperEvent]:
        input = parse_input(self._with_exchange_order_id(fields))
        self._check(fields, input)
        self.last = input.at
        return process_input(self.engine, input)

    def _with_exchange_order_id(self, fields: Fields) -> Fields:
        """Adds the exchange order id to a cancel or change that names its order by client id."""
        if fields.get("do") not in ("cancel", "change") or "exchange_order_id" in fields:
            return fields
        orders = self.engine.state.orders.get(str(fields.get("symbol")), {})
        order_ids = (
            o.exchange_order_id for o in orders.values() if o.client_id == fields["client_id"]
        )
        return {**fields, "exchange_order_id": next(order_ids, "")}

    def _check(self, fields: Fields, input: Input) -> None:
        if self.last is not None and input.at < self.last:
            raise Invalid(f"{input.at.isoformat()} is before the previous line")
        symbol = getattr(input, "symbol", None)
        if symbol is not None and symbol not in self.engine.settings.instruments:
            raise Invalid(f"{symbol!r} is not traded here", code="instrument_not_supported")
        for key in _POSITIVE:
            value = getattr(input, key, None)
            is_needed = (
                not isinstance(input, CancelOrder | ChangeOrder) or fields.get(key) is not None
            )
            if is_needed and isinstance(value, Decimal) and value <= 0:
                raise Invalid(f"{key} must be above 0")

    def _resume(self, saved: str) -> None:
        dump = json.loads(saved)
        self.engine.resume_from(decode_state(dump["memory"]), dump["tapes"])
        self.lines, self.event_count = dump["lines"], dump["facts"]
        self.last = None if dump["last"] is None else datetime.fromisoformat(dump["last"])


def process_input(engine: PaperEngine, input: Input) -> list[PaperEvent]:
    """Processes one input after updating the prices it needs. Returns all events.

    Raises ``Invalid`` for a market update of a symbol whose price source is not manual.
    """
    match input:
        case NewOrderPair(first=first):
            symbols = [first.symbol]
        case _:
            symbol: str | None = getattr(input, "symbol", None)
            symbols = engine.active_symbols() if symbol is None else [symbol]
    if isinstance(input, MarketUpdate):
        source = engine.prices.source(input.symbol)
        if source is not PriceSource.MANUAL:
            message = f"the price of {input.symbol} comes from {source}; it cannot be set by input"
            raise Invalid(message)
    steps = [result for symbol in symbols for result in engine.update_market(symbol, input.at)]
    steps.append(engine.step(input))
    return [event for result in steps for event in result.events]
