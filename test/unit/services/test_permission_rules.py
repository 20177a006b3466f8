"""Which permissions a key must have by the audit log."""

from datetime import UTC, datetime, timedelta
from typing import Any

from oms.domain.audit_chain import AuditRow
from oms.services.verify.permission_rules import PermissionHistory
from oms.wire.json import dumps

ANN, BOB, ACCOUNT = 1, 2, 7
START = datetime(2026, 5, 1, tzinfo=UTC)
READS = {"can_read": True, "can_trade": False, "can_risk_manage": False, "strategy_ids": []}
TRADES = READS | {"can_trade": True}


class Log:
    """An audit log of which each row is a minute younger than the one before."""

    def __init__(self) -> None:
        self.history = PermissionHistory()
        self._rows = 0

    def add(self, action: str, entity: str, entity_id: str, after: dict[str, Any]) -> None:
        """Add a row."""
        self._rows += 1
        row: Any = dict.fromkeys(AuditRow.__dataclass_fields__)
        row |= {"id": self._rows, "actor": "x", "action": action, "entity": entity}
        row |= {"entity_id": entity_id, "after": dumps(after), "account_id": ACCOUNT}
        row["created_at"] = START + timedelta(minutes=self._rows)
        self.history.add(AuditRow(**row), after)

    def status(self, key_id: str, status: str) -> None:
        self.add("change_api_key", "api_key", key_id, {"status": status})

    def grant(self, user_id: int | None, flags: dict[str, Any]) -> None:
        named = {} if user_id is None else {"user_id": user_id}
        self.add("grant", "account", str(ACCOUNT), flags | named)

    def set(self, key_id: str, flags: dict[str, Any]) -> None:
        self.add("set_permission", "api_key", key_id, flags)

    def flags(self, key_id: str, user_id: int) -> list[dict[str, Any]] | None:
        found = self.history.expected(key_id, user_id, ACCOUNT)
        if found is None:
            return None
        return [{name: value for name, value in row.items() if name in READS} for row in found]


def test_the_last_change_of_a_key_counts() -> None:
    log = Log()
    log.status("10", "active")
    assert log.flags("10", ANN) == []
    log.set("10", READS)
    log.grant(ANN, TRADES)
    assert log.flags("10", ANN) == [TRADES]
    log.set("10", READS)
    assert log.flags("10", ANN) == [READS]


def test_a_grant_to_another_user_changes_nothing() -> None:
    log = Log()
    log.status("10", "active")
    log.set("10", READS)
    log.grant(BOB, TRADES)
    assert log.flags("10", ANN) == [READS]
    log.status("11", "active")
    log.set("11", READS)
    assert log.flags("11", BOB) == [READS]


def test_a_disabled_key_receives_no_grant() -> None:
    log = Log()
    log.status("10", "active")
    log.grant(ANN, READS)
    log.status("10", "disabled")
    log.grant(ANN, TRADES)
    log.status("10", "active")
    assert log.flags("10", ANN) == [READS]


def test_a_new_key_receives_the_template_of_its_user() -> None:
    log = Log()
    log.grant(ANN, READS)
    log.grant(ANN, TRADES | {"strategy_ids": [3]})
    log.status("10", "active")
    assert log.flags("10", ANN) == [TRADES]


def test_a_grant_without_its_user_makes_the_permission_unknown() -> None:
    log = Log()
    log.status("10", "active")
    log.set("10", READS)
    log.grant(None, TRADES)
    assert log.flags("10", ANN) is None
    log.set("10", READS)
    assert log.flags("10", ANN) == [READS]
