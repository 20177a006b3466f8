"""``oms verify``: checks the ledger's invariants on the database; needs no server."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from oms import bootstrap
from oms.adapters.clock import SystemClock
from oms.adapters.sql.store import SqlStore
from oms.cli.audit import checkpoints_of, read_checkpoint
from oms.cli.install import run_async
from oms.cli.settings import command_settings
from oms.config import Settings
from oms.domain.account import Account
from oms.domain.instrument import Instrument
from oms.services.verify.account_instruments import AccountInstruments
from oms.services.verify.findings import Finding
from oms.services.verify.verify import VerificationResult, Verify
from oms.simulation.market.instruments import paper_instruments


def verify(parsed: argparse.Namespace) -> Any:
    """Return ``{ok, accounts}``; ``ok`` is false with any finding."""
    settings = command_settings(parsed)
    checkpoint = None if parsed.checkpoint is None else read_checkpoint(parsed.checkpoint)

    async def run() -> dict[str, Any]:
        async with bootstrap.open_store(settings) as store:
            await bootstrap.require_schema(store)
            return await build_verify_report(
                store, settings, parsed.account_id, parsed.from_seq, checkpoint=checkpoint
            )

    return run_async(run())


async def build_verify_report(
    store: SqlStore,
    settings: Settings,
    account_id: int | None = None,
    from_seq: int = 0,
    instruments: Callable[[Account], Mapping[str, Instrument]] | None = None,
    checkpoint: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the report; ``instruments`` gives a paper account's instruments, else its venue's.

    Raises ``NotFound``, ``Unavailable``, and ``NoMasterKey`` for a ``checkpoint`` without its key.
    """
    kept: list[Finding] = []
    if checkpoint is not None:
        kept = await (await checkpoints_of(store, settings)).check(checkpoint)
    reads = store.verified_reads()
    verify_accounts = Verify(
        registry=store.registry,
        history=reads.history,
        ledger=store.ledger,
        queue=reads.queue,
        leases=store.leases,
        audit=reads.verification,
        audit_log=store.audit_log,
        command_chain=store.command_chain,
        clock=SystemClock(),
        instruments=AccountInstruments(reads.verification, instruments or paper_instruments),
        retention=timedelta(days=settings.events.retention_days),
    )
    results = [result async for result in verify_accounts(account_id, from_seq, kept)]
    return {
        "ok": not any(result.findings for result in results),
        "accounts": [_account_report(result) for result in results],
    }


def _account_report(result: VerificationResult) -> dict[str, Any]:
    return {
        "account_id": result.account_id,
        "events": result.events,
        "invariants": "broken" if result.findings else "ok",
        "hash_chain": "ok" if result.is_chain_valid else "broken",
        "findings": [asdict(finding) for finding in result.findings],
    }
