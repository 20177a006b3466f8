"""A process that archives or restores, and ends by SIGKILL at a named step.

    python -m kit.faults.killed_archive URL FOLDER STEP [ARCHIVE_ID]

With ``ARCHIVE_ID`` it restores that archive. Exit status 0 if the step was never reached.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.archive import archive_file, archives
from oms.adapters.sql.store import SqlStore
from oms.ports.audit_log import AuditContext

#: Small, so that an archive of a test's ledger has several files.
ROWS_PER_FILE = 250
#: Each step of ``SqlArchives``, in the order in which a run reaches it.
STEPS = (
    "while the file is written",
    "before its row is stored",
    "after its row is stored",
    "inside the transaction of a group",
    "between two groups",
    "after the last group",
    "after the archive is complete",
)
RESTORE_STEPS = ("inside the transaction of a group", "between two groups", "after the last group")
DRAFT_LINES = 20


def _end(*_: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def _after(work: Callable[..., Any], count: int = 1) -> Callable[..., Any]:
    """``work``, at whose end the process ends, the ``count``-th time."""
    calls = iter(range(1, count + 1))

    def ended(*arguments: Any, **named: Any) -> Any:
        result = work(*arguments, **named)
        if next(calls, count) == count:
            _end()
        return result

    return ended


def _stop_at(step: str, made: Any) -> None:
    """Let the process end when ``made``, the archives of a store, reach the step."""
    match step:
        case "while the file is written":
            archive_file.write_line = _after(archive_file.write_line, DRAFT_LINES)
        case "before its row is stored":
            made._store = _end
        case "after its row is stored":
            made._delete = _end
        case "inside the transaction of a group":
            archives.delete_group = _after(archives.delete_group)
            archives.put_back = _after(archives.put_back)
        case "between two groups":
            made._in_transaction = _after(made._in_transaction)
        case "after the last group":
            _end_before_status(made)
        case "after the archive is complete":
            _end_after_move(made)
        case _:
            raise ValueError(step)


def _end_before_status(made: Any) -> None:
    move_all = made._move_all

    async def moving(*arguments: Any, **named: Any) -> Any:
        made._write_audited = _end
        return await move_all(*arguments, **named)

    made._move_all = moving


def _end_after_move(made: Any) -> None:
    move_all = made._move_all

    async def moved(*arguments: Any, **named: Any) -> Any:
        await move_all(*arguments, **named)
        _end()

    made._move_all = moved


async def _main(url: str, folder: Path, step: str, archive_id: int | None) -> None:
    store = await SqlStore.open(url, check_account)
    store.archives.first_wait_seconds = 0
    store.archives.rows_per_file = ROWS_PER_FILE
    _stop_at(step, store.archives)
    now = datetime.now(UTC)
    context = AuditContext(actor="test", at=now)
    if archive_id is not None:
        await store.archives.restore(archive_id, folder, context)
    else:
        head = {
            "installation": await store.installation_tag(),
            "schema": await store.schema_version(),
        }
        await store.archives.run(folder, now + timedelta(hours=1), head, context)
    await store.close()


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[4:]]
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], *(numbers or [None])))
