"""``oms verify``: the books checked against their invariants, on the database, server or not."""

import argparse
from datetime import timedelta
from typing import Any

from oms import bootstrap
from oms.adapters.clock import SystemClock
from oms.cli.install import ended
from oms.cli.settings import settings_of
from oms.config import Settings
from oms.domain.account import Account
from oms.domain.instrument import Instrument
from oms.services.invariants import Finding
from oms.services.verify import Verdict, Verify
from oms.simulation.instruments import instruments_of

#: A command may be held for the longest wait before it enters the queue; then some patience.
HOLD_SECONDS_MAX = 60
PATIENCE_SECONDS = 15


def verify(parsed: argparse.Namespace) -> Any:
    """``{ok, accounts}``; ``ok`` is false with the first finding."""
    return ended(_verified(settings_of(parsed), parsed.account_id, parsed.from_seq))


async def _verified(settings: Settings, account_id: int | None, from_seq: int) -> Any:
    waiting = settings.commands.max_queue_s + HOLD_SECONDS_MAX + PATIENCE_SECONDS
    async with bootstrap.open_store(settings) as store:
        look = Verify(
            registry=store.registry,
            history=store.history,
            audit=store.audit,
            clock=SystemClock(),
            instruments=_instruments,
            stuck_after=timedelta(seconds=waiting),
            retention=timedelta(days=settings.events.retention_days),
        )
        verdicts = [verdict async for verdict in look(account_id, from_seq)]
    return {
        "ok": not any(verdict.findings for verdict in verdicts),
        "accounts": [_told(verdict) for verdict in verdicts],
    }


def _instruments(account: Account) -> dict[str, Instrument]:
    return dict(instruments_of(account.venue))


def _told(verdict: Verdict) -> dict[str, Any]:
    events = [f for f in verdict.findings if f.invariant == "events"]
    others = [f for f in verdict.findings if f.invariant != "events"]
    return {
        "account_id": verdict.account_id,
        "events": _word(events),
        "invariants": _word(others),
        #: Audit rows are not chained yet.
        "hash_chain": None,
        "checked": dict(verdict.checked),
        "findings": [{"invariant": f.invariant, "message": f.message} for f in verdict.findings],
    }


def _word(findings: list[Finding]) -> str:
    return "failed" if findings else "ok"
