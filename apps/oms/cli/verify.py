"""``oms verify``: the books checked against their invariants, on the database, server or not."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from oms import bootstrap
from oms.adapters.clock import SystemClock
from oms.adapters.sql.store import SqlStore
from oms.cli.install import ended
from oms.cli.settings import settings_of
from oms.config import Settings
from oms.domain.account import Account
from oms.domain.instrument import Instrument
from oms.services.verify.verify import Verdict, Verify
from oms.simulation.instruments import instruments_of


def verify(parsed: argparse.Namespace) -> Any:
    """``{ok, accounts}``; ``ok`` is false with the first finding."""
    settings = settings_of(parsed)

    async def run() -> dict[str, Any]:
        async with bootstrap.open_store(settings) as store:
            return await verified(store, settings, parsed.account_id, parsed.from_seq)

    return ended(run())


async def verified(
    store: SqlStore,
    settings: Settings,
    account_id: int | None = None,
    from_seq: int = 0,
    instruments: Callable[[Account], Mapping[str, Instrument]] | None = None,
) -> dict[str, Any]:
    """The answer; ``instruments`` tells what an account trades, else its venue does.

    Raises ``NotFound``, ``Unavailable``.
    """
    look = Verify(
        registry=store.registry,
        history=store.history,
        ledger=store.ledger,
        queue=store.queue,
        leases=store.leases,
        audit=store.audit,
        audit_log=store.audit_log,
        clock=SystemClock(),
        instruments=instruments or instruments_at_venue,
        retention=timedelta(days=settings.events.retention_days),
    )
    verdicts = [verdict async for verdict in look(account_id, from_seq)]
    return {
        "ok": not any(verdict.findings for verdict in verdicts),
        "accounts": [_told(verdict) for verdict in verdicts],
    }


def instruments_at_venue(account: Account) -> Mapping[str, Instrument]:
    """What is traded where the account is."""
    return instruments_of(account.venue)


def _told(verdict: Verdict) -> dict[str, Any]:
    return {
        "account_id": verdict.account_id,
        "events": verdict.events,
        "invariants": "broken" if verdict.findings else "ok",
        "hash_chain": "ok" if verdict.chain_holds else "broken",
        "findings": [asdict(finding) for finding in verdict.findings],
    }
