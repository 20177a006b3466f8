"""Invariants of decisions of bots, as pure functions: a decision and its signal.

A decision, its signal and the command are stored by one transaction. What became of the signal is
copied to the decision afterwards.
"""

from collections.abc import Iterator

from oms.domain.bots.bot import DecisionResult
from oms.domain.bots.decision import BotEvent
from oms.domain.signals.signal import SignalKind
from oms.ports.signals.stored_signals import SignalRow
from oms.services.bots.bot_signals import SIGNAL_ACTIONS
from oms.services.verify.findings import Finding, compare_values, make_finding
from oms.strategies.strategy import Action
from oms.wire.json import optional_decimal_text

_WITHOUT_SIGNAL = (DecisionResult.OBSERVED.value, DecisionResult.SKIPPED_LATE.value)


def check_decision(event: BotEvent, account_id: int, signal: SignalRow | None) -> Iterator[Finding]:
    """Check a decision with the signal that it names."""
    if event.result in _WITHOUT_SIGNAL:
        if event.signal_id is not None:
            expected, found = f"{event.result}: no signal", f"signal {event.signal_id}"
            yield make_finding("decision_signal", "bot_event", event.id, expected, found)
        return
    if signal is None or (signal.account_id, signal.bot_id) != (account_id, event.bot_id):
        expected = f"a signal of bot {event.bot_id}"
        named = None if event.signal_id is None else f"signal {event.signal_id}"
        yield make_finding("decision_signal", "bot_event", event.id, expected, named)
        return
    yield from _check_terms(event, signal)
    if event.result != DecisionResult.SENT.value:
        ended = f"{signal.status.value} {signal.reason_code}"
        recorded = f"{event.result} {event.code}"
        yield from compare_values("decision_outcome", "bot_event", event.id, ended, recorded)


def _check_terms(event: BotEvent, signal: SignalRow) -> Iterator[Finding]:
    """Check that the signal asks for what was decided."""
    action = event.action if event.action in tuple(Action) else None
    wanted = (
        SignalKind.STRATEGY.value,
        event.symbol,
        None if action is None else SIGNAL_ACTIONS[Action(action)].value,
        optional_decimal_text(event.price),
    )
    price = optional_decimal_text(signal.price)
    found = (signal.kind.value, signal.symbol, signal.action.value, price)
    for name, expected, stored in zip(
        ("kind", "symbol", "action", "price"), wanted, found, strict=True
    ):
        yield from compare_values(
            "decision_terms", "bot_event", event.id, f"{name} {expected}", f"{name} {stored}"
        )
