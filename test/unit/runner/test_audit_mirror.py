"""The audit mirror: every row once, whatever is killed between the write and its record."""

import asyncio
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kit.gateway.memory_task_leases import MemoryTaskLeases
from kit.polling import poll_until
from oms.adapters.audit_file import AuditFile, MirrorBusyError
from oms.cli.access import audit_tail
from oms.domain.audit_chain import AuditRow, ChainLink
from oms.ports.audit_log import ChainedRow, ChainHead
from oms.runner import audit_mirror
from oms.runner.audit_mirror import AuditMirror
from oms.runner.task_run import TaskRun
from oms.wire.admin.audit_lines import audit_line

AT = datetime(2026, 11, 23, 16, 15, tzinfo=UTC)


def a_row(number: int) -> ChainedRow:
    """A row of the log whose id does not rise with its number."""
    row = AuditRow(
        id=1000 - number,
        account_id=None,
        actor="ann",
        actor_user_id=1,
        actor_api_key_id=None,
        actor_role="admin",
        actor_ip=None,
        action="sink_create",
        entity="sink",
        entity_id=str(number),
        before=None,
        after='{"name":"ops\\n"}',
        comment="a\nb",
        request_id=None,
        created_at=AT,
    )
    return ChainedRow(row=row, link=ChainLink(number=number, prev_hash="", hash=f"{number:064}"))


class _Log:
    """A log with so many rows."""

    def __init__(self, length: int) -> None:
        self.length = length

    async def head(self) -> ChainHead:
        return ChainHead(length=self.length, hash="")

    async def chained_rows(self, after: int, limit: int) -> Sequence[ChainedRow]:
        return [a_row(n) for n in range(after + 1, min(self.length, after + limit) + 1)]


async def _chained() -> int:
    return 0


def _numbers(path: Path) -> list[int]:
    return [json.loads(line)["number"] for line in path.read_text().splitlines()]


def _lines(first: int, last: int) -> list[tuple[int, str]]:
    return [(n, audit_line(a_row(n))) for n in range(first, last + 1)]


async def _mirror(log: _Log, leases: MemoryTaskLeases, file: Any, until: int) -> None:
    """Mirror until the position is stored, or the task ends."""
    task = AuditMirror(log=log, chain=_chained, leases=leases, file=file)  # type: ignore[arg-type]
    await leases.release_all("a")
    (lease,) = await leases.acquire("a", [task.name], 60)
    stop = asyncio.Event()
    work = asyncio.create_task(task(TaskRun(lease=lease, stop=stop, valid_until=1e18)))

    async def position() -> int:
        return -1 if work.done() else leases.positions.get(task.name, 0)

    await poll_until(position, lambda now: now in (-1, until), 5)
    stop.set()
    await work


def test_a_line_is_one_json_object_with_the_offset_of_its_time() -> None:
    text = audit_line(a_row(7))
    assert "\n" not in text
    line = json.loads(text)
    assert (line["type"], line["number"], line["id"]) == ("sink_create", 7, 993)
    assert line["ts"] == "2026-11-23T16:15:00.000000+00:00"
    assert line["payload"] == {"name": "ops\n"}


async def test_no_row_is_lost_or_repeated_by_a_kill_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_mirror, "ROUND_SECONDS", 0.01)
    path, leases, log = tmp_path / "audit.jsonl", MemoryTaskLeases(), _Log(250)
    file = AuditFile(path=path)
    await _mirror(log, leases, file, 250)
    assert _numbers(path) == list(range(1, 251))
    assert os.stat(path).st_mode & 0o077 == 0

    leases.positions["audit_mirror"] = 200  # killed after the write, before its record
    log.length = 260
    await _mirror(log, leases, file, 260)
    assert _numbers(path) == list(range(1, 261))

    with path.open("ab") as cut_off:  # killed within the write
        cut_off.write(b'{"type":"sink_cre')
    log.length = 261
    await _mirror(log, leases, file, 261)
    assert _numbers(path) == list(range(1, 262))

    log.length = 5  # an older backup was restored
    await _mirror(log, leases, file, 5)
    log.length = 6
    await _mirror(log, leases, file, 6)
    assert _numbers(path) == [6]
    assert _numbers(tmp_path / "audit.jsonl.261") == list(range(1, 262))


def test_a_full_file_is_renamed_only_when_its_end_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    file = AuditFile(path=path, rotated_bytes=1)
    file.append(0, _lines(1, 3))
    file.append(2, _lines(3, 4))  # 3 is not recorded yet
    assert _numbers(path) == [1, 2, 3, 4]
    file.append(4, _lines(5, 6))
    assert _numbers(path) == [5, 6]
    assert _numbers(tmp_path / "audit.jsonl.4") == [1, 2, 3, 4]
    file.append(6, _lines(5, 6))
    assert _numbers(path) == [5, 6]


def test_a_foreign_file_or_one_that_is_written_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("not of ours\n")
    file = AuditFile(path=path)
    with pytest.raises(OSError, match="not of the audit mirror"):
        file.append(0, _lines(1, 1))
    assert path.read_text() == "not of ours\n"
    path.unlink()
    file.append(0, _lines(1, 1))
    with file._open(), pytest.raises(MirrorBusyError):
        file.append(1, _lines(2, 2))


def test_the_tail_follows_into_the_next_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "audit.jsonl"
    file = AuditFile(path=path, rotated_bytes=1)
    file.append(0, _lines(1, 2))
    steps = [lambda: file.append(2, _lines(3, 3)), lambda: file.append(3, _lines(4, 4))]
    monkeypatch.setattr(audit_tail.time, "sleep", lambda _: steps.pop(0)() if steps else None)
    audit_tail.follow(path, path.open(encoding="utf-8"), rounds=4)
    shown = [json.loads(line)["number"] for line in capsys.readouterr().out.splitlines()]
    assert shown == [1, 2, 3, 4]
