"""``oms verify``: the books checked against their invariants, on the database, server or not."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from oms import bootstrap
from oms.adapters.clock import SystemClock
from oms.adapters.sql.store import SqlStore
from oms.cli.install import run_async
from oms.cli.settings import command_settings
from oms.config import Settings
from oms.domain.account import Account
from oms.domain.instrument import Instrument
from oms.services.verify.verify import VerificationResult, Verify
from oms.simulation.market.instruments import instruments_of


def verify(parsed: argparse.Namespace) -> Any:
    """``{ok, accounts}``; ``ok`` is false with the first finding."""
    settings = command_settings(parsed)

    async def run() -> dict[str, Any]:
        async with bootstrap.open_store(settings) as store:
            return await build_verify_report(store, settings, parsed.account_id, parsed.from_seq)

    return run_async(run())


async def build_verify_report(
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
        audit=store.verification_reads,
        audit_log=store.audit_log,
        clock=SystemClock(),
        instruments=instruments or venue_instruments,
        retention=timedelta(days=settings.events.retention_days),
    )
    verdicts = [verdict async for verdict in look(account_id, from_seq)]
    return {
        "ok": not any(verdict.findings for verdict in verdicts),
        "accounts": [_told(verdict) for verdict in verdicts],
    }


def venue_instruments(account: Account) -> Mapping[str, Instrument]:
    """What is traded where the account is."""
    return instruments_of(account.venue)


def _told(verdict: VerificationResult) -> dict[str, Any]:
    return {
        "account_id": verdict.account_id,
        "events": verdict.events,
        "invariants": "broken" if verdict.findings else "ok",
        "hash_chain": "ok" if verdict.is_chain_valid else "broken",
        "findings": [asdict(finding) for finding in verdict.findings],
    }
