"""Verification of one archive: its file, what the database keeps of it, and the audit records.

The links of archived commands stay in the chain: the commands in the file must have their digests.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from oms.adapters.sql.archive.archive_file import Group, Row, hash_file, open_archive
from oms.adapters.sql.archive.archived_index import NAMES, RESULTS, count_indexed
from oms.adapters.sql.archive.table_reads import LINKS, read_by
from oms.adapters.sql.registry.command_chain import (
    CHAINED_COLUMNS,
    chained_time,
    command_record,
)
from oms.adapters.sql.tables import METADATA
from oms.domain.command_chain import CommandRecord, command_digest
from oms.domain.errors import Invalid

_AUDIT = METADATA.tables["audit_log"]
Finding = Mapping[str, Any]


def check_archive(
    connection: Connection, path: Path, archive_id: int, sha256: str
) -> Sequence[Finding]:
    """Return what is wrong with an archive."""
    findings = list(_audited(connection, archive_id, sha256))
    try:
        found = hash_file(path)
        if found != sha256:
            return [*findings, _finding("archive_file", archive_id, sha256, found)]
        indexed = 0
        with open_archive(path) as file:
            for group in file.groups():
                indexed += count_indexed(connection, archive_id, group)[0]
                findings += _check_commands(connection, group)
    except (OSError, Invalid) as error:
        return [*findings, _finding("archive_file", archive_id, str(path), str(error))]
    stored = sum(
        connection.execute(
            select(func.count()).select_from(table).where(table.c.archive_id == archive_id)
        ).scalar_one()
        for table in (NAMES, RESULTS)
    )
    if stored != indexed:
        findings.append(_finding("archive_rows", archive_id, indexed, stored))
    return findings


def _audited(connection: Connection, archive_id: int, sha256: str) -> Iterator[Finding]:
    """Compare the hash of the file with the one in the chained audit log."""
    query = select(_AUDIT.c.after_json).where(
        _AUDIT.c.action == "archive",
        _AUDIT.c.entity == "archive",
        _AUDIT.c.entity_id == str(archive_id),
    )
    audited = [json.loads(text)["sha256"] for text in connection.execute(query).scalars() if text]
    if audited != [sha256]:
        yield _finding("archive_audit", archive_id, sha256, ", ".join(audited) or None)


def _check_commands(connection: Connection, group: Group) -> Iterator[Finding]:
    commands = {row["id"]: row for table, row in group if table.name == "oms_commands"}
    statuses: dict[int, set[str]] = {}
    for link in read_by(connection, LINKS, "command_id", set(commands)):
        row = commands[link["command_id"]]
        statuses.setdefault(row["id"], set()).add(link["status"])
        digest = command_digest(_record(row), link["status"])
        if link["status"] in ("accepted", row["status"]) and digest != link["digest"]:
            yield _finding("archive_command", row["id"], link["digest"], digest)
    for command_id, row in commands.items():
        if row["status"] not in statuses.get(command_id, ()):
            yield _finding("archive_command", command_id, f"a link of {row['status']}", None)


def _record(row: Row) -> CommandRecord:
    return command_record([row[name] for name in CHAINED_COLUMNS], _time_text)


def _time_text(moment: datetime | None) -> str | None:
    return None if moment is None else chained_time(moment)


def _finding(invariant: str, name: int, expected: object, found: object) -> Finding:
    return {"invariant": invariant, "id": name, "expected": expected, "found": found}
