"""Verification of the hash chain of the commands: none changed, missing or added."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from oms.domain.command_chain import (
    ACCEPTED,
    UNRESOLVED_STATUSES,
    CommandRecord,
    command_digest,
    link_hash,
)
from oms.ports.audit_log import COMMAND_CHAIN_ID, ChainHead
from oms.ports.command_chain import CommandChain, LinkedCommand
from oms.ports.command_queue import CommandRow
from oms.services.verify.chain_head import check_chain
from oms.services.verify.findings import Finding, make_finding
from oms.wire.commands.command_codec import is_read_only

LINKS_PER_PAGE = 500
CHAINING_DELAY_MAX = timedelta(minutes=30)
"""Acceptance and result of a command are linked before those that are this much younger."""


async def check_command_chain(chain: CommandChain) -> list[Finding]:
    """Return the violations of the chain. Raises ``Unavailable``."""
    findings: list[Finding] = []

    async def read_on(end: ChainHead) -> ChainHead:
        for each in await chain.links(end.length, LINKS_PER_PAGE):
            findings.extend(_check_link(each, end))
            if not isinstance(each.link.number, int):
                break
            end = ChainHead(length=each.link.number, hash=each.link.hash)
        return end

    return findings + await check_chain(COMMAND_CHAIN_ID, chain.head, read_on)


def check_unlinked(
    commands: Sequence[CommandRow],
    statuses: Mapping[int, str],
    last_command_id: int,
    linked_to: datetime | None,
) -> Iterator[Finding]:
    """Return findings about commands that should have a link and have none.

    ``statuses`` are those of their last links, ``linked_to`` is the creation time of the command
    ``last_command_id``, the linked one with the highest id.
    """
    if linked_to is None:
        return
    due = linked_to - CHAINING_DELAY_MAX
    for command in commands:
        if is_read_only(command.command_type, command.payload):
            continue
        status = statuses.get(command.id)
        if status is None:
            if command.id < last_command_id and command.created_at < due:
                yield make_finding("command_link", "command", command.id, "a link", None)
        elif _is_result_unlinked(command, status, due):
            expected = f"a link of the result {command.status}"
            yield make_finding("command_link", "command", command.id, expected, status)


def _is_result_unlinked(command: CommandRow, status: str, due: datetime) -> bool:
    if command.finished_at is None or command.finished_at >= due:
        return False
    return status in UNRESOLVED_STATUSES and status != command.status.value


def _check_link(each: LinkedCommand, end: ChainHead) -> Iterator[Finding]:
    link, record = each.link, each.record
    if link.number != end.length + 1:
        yield make_finding(
            "chain_number", "command_chain", link.number, end.length + 1, link.number
        )
    computed = link_hash(end.hash, link.number, link.command_id, link.status, link.digest)
    if computed != link.hash:
        yield make_finding("chain_hash", "command_chain", link.number, computed, link.hash)
    if record is None:
        if not each.is_archived:
            yield make_finding("command_deleted", "command", link.command_id, "a command", None)
    elif not _is_superseded(link.status, record):
        digest = command_digest(record, link.status)
        if digest != link.digest:
            yield make_finding("command_digest", "command", link.command_id, link.digest, digest)


def _is_superseded(status: str, record: CommandRecord) -> bool:
    """Whether the command has a result that a later link covers: an unknown one was resolved."""
    return status not in (ACCEPTED, record.status) and status in UNRESOLVED_STATUSES
