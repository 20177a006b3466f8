"""The discrepancies of one account as they stand, and the account's quarantine, which follows.

Rows are changed here and nowhere else; each change is told, and written with the next commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oms.domain.discrepancy import STANDING, Discrepancy, Status, quarantine_of
from oms.domain.event import Event, Namespace
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger import Switched
from oms.ports.reconciliation import Reconciliations
from oms.ports.registry import AuditEntry
from oms.services.home import Home
from oms.services.record import Changes
from oms.wire.json import dumps_plain, loads

ITSELF = AuditEntry(actor="oms", action="quarantine", entity="account", entity_id="")
"""What is audited of what nobody decided."""


@dataclass(slots=True, kw_only=True)
class Standing:
    """The rows that stand, by id, and those that were changed."""

    home: Home
    changes: Changes
    rows: dict[int, Discrepancy]
    changed: dict[int, Discrepancy] = field(default_factory=dict)

    def put(self, row: Discrepancy) -> None:
        """A row in its new form; that it opened or ended is told."""
        before = self.rows.get(row.id)
        was_open = before is not None and before.status == Status.OPEN
        is_open = row.status == Status.OPEN
        if is_open and not was_open:
            self.changes.events.append(told("discrepancy_opened", row))
        if was_open and not is_open:
            self.changes.events.append(told("discrepancy_closed", row))
        self.rows[row.id] = self.changed[row.id] = row

    async def settle(self, ids: IdBlocks, audit: AuditEntry = ITSELF) -> bool:
        """Set or lift the quarantine as the rows say; whether that changed anything."""
        home, kind = self.home, quarantine_of(self.rows)
        before = home.account.quarantine
        if kind == before:
            return False
        home.account = evolve(home.account, quarantine=kind)
        home.draft.switches.append(Switched(is_quarantine=True, quarantine=kind))
        facts = {
            "quarantine": kind,
            "comment": audit.comment,
            "actor_user_id": audit.actor_user_id,
            "actor_api_key_id": audit.actor_api_key_id,
        }
        event = Event(name="account_quarantine_changed", namespace=Namespace.RISK, facts=facts)
        self.changes.events.append(event)
        await ids.ensure("audit", 1)
        entry = evolve(
            audit,
            action="quarantine",
            entity="account",
            entity_id=str(home.account.id),
            account_id=home.account.id,
            before=dumps_plain({"quarantine": before}),
            after=dumps_plain({"quarantine": kind}),
        )
        home.draft.audits.append((ids("audit"), entry))
        return True


async def standing(rows: Reconciliations, home: Home, changes: Changes) -> Standing:
    """The rows of the account, with those that are on their way to the store."""
    found = {row.id: row for row in await rows.standing([home.account.id])}
    for draft in home.drafts():
        found |= {row.id: row for each in draft.reconciled for row in each.discrepancies}
    kept = {key: row for key, row in found.items() if row.status in STANDING}
    return Standing(home=home, changes=changes, rows=kept)


def read(text: str | None) -> Mapping[str, Any]:
    """Evidence or fix of a row."""
    facts: Mapping[str, Any] = {} if text is None else loads(text)
    return facts


def told(name: str, row: Discrepancy) -> Event:
    """The event of a row that opened or ended."""
    facts = {
        "discrepancy_id": row.id,
        "class": row.kind,
        "symbol": row.symbol,
        "evidence": read(row.evidence),
        "fix": None if row.fix is None else read(row.fix),
    }
    return Event(name=name, facts=facts)
