"""``oms audit checkpoint``: signs the ends of the hash chains, to be kept outside the database."""

import argparse
import json
from pathlib import Path
from typing import Any

from oms import bootstrap
from oms.adapters.clock import SystemClock
from oms.adapters.private_files import replaced_file
from oms.adapters.sql.store import SqlStore
from oms.cli.install import run_async
from oms.cli.output import CommandFailed
from oms.cli.settings import command_settings
from oms.config import Settings
from oms.domain.errors import Invalid
from oms.services.access.chain_audit import ChainAudit
from oms.services.access.chain_commands import ChainCommands
from oms.services.verify.checkpoint import Checkpoints, parse_checkpoint


def checkpoint(parsed: argparse.Namespace) -> Any:
    """Chain what is not chained yet; print the signed ends of the chains, or write them."""
    settings = command_settings(parsed)

    async def work() -> dict[str, Any]:
        async with bootstrap.open_store(settings) as store:
            await bootstrap.require_schema(store)
            await ChainAudit(log=store.audit_log)()
            await ChainCommands(chain=store.command_chain, clock=SystemClock())()
            return await (await checkpoints_of(store, settings)).make()

    content = run_async(work())
    if parsed.out is None:
        return content
    try:
        with replaced_file(Path(parsed.out)) as file:
            file.write(f"{json.dumps(content, indent=2)}\n".encode())
    except OSError as error:
        raise CommandFailed(f"{parsed.out}: {error.strerror}", status=2) from None
    return {"ok": True, "file": parsed.out, "chains": content["chains"]}


async def checkpoints_of(store: SqlStore, settings: Settings) -> Checkpoints:
    """Return the checkpoints of a store. Raises ``Unavailable``."""
    return Checkpoints(
        audit_log=store.audit_log,
        command_chain=store.command_chain,
        signer=bootstrap.build_vault(settings),
        clock=SystemClock(),
        installation=await store.installation_tag(),
    )


def read_checkpoint(path: str) -> dict[str, Any]:
    """Return the content of a checkpoint file. Raises ``CommandFailed``."""
    try:
        return parse_checkpoint(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}", status=2) from None
    except (Invalid, UnicodeDecodeError) as error:
        reason = error.message if isinstance(error, Invalid) else "not a text file"
        raise CommandFailed(f"{path}: {reason}", status=2) from None
