"""The link of an audit row equals the documented formula."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from oms.domain.audit_chain import GENESIS_HASH, AuditRow, make_chain_link
from oms.domain.value import evolve

ROW = AuditRow(
    id=7,
    account_id=None,
    actor="Žofie",
    actor_user_id=1,
    actor_api_key_id=2,
    actor_role="admin",
    actor_ip="::1",
    action="change_user",
    entity="user",
    entity_id="3",
    before='{"role":"trader"}',
    after='{"role":"risk"}',
    comment='says "why"',
    request_id="r-1",
    created_at=datetime(2026, 2, 25, 20, 0, 0, 5, tzinfo=UTC),
)


def test_the_hash_is_the_documented_one() -> None:
    fields = [
        *(GENESIS_HASH, 1, 7, None, "Žofie", 1, 2, "admin", "::1", "change_user", "user", "3"),
        *('{"role":"trader"}', '{"role":"risk"}', 'says "why"', "r-1"),
        "2026-02-25T20:00:00.000005",
    ]
    text = json.dumps(fields, separators=(",", ":"))
    assert text.isascii()
    place = make_chain_link(ROW, 1, GENESIS_HASH)
    assert (place.number, place.prev_hash) == (1, GENESIS_HASH)
    assert place.hash == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"id": 8},
        {"account_id": 0},
        {"actor": "zofie"},
        {"actor_user_id": None},
        {"actor_ip": "::2"},
        {"action": "", "entity": "change_useruser"},
        {"before": None},
        {"after": None, "comment": '{"role":"risk"}'},
        {"request_id": None},
        {"created_at": datetime(2026, 2, 25, 20, 0, 0, 6, tzinfo=UTC)},
    ],
)
def test_every_column_counts(change: dict[str, object]) -> None:
    assert (
        make_chain_link(evolve(ROW, **change), 1, GENESIS_HASH).hash
        != make_chain_link(ROW, 1, GENESIS_HASH).hash
    )


def test_opening_and_direct_orders_need_permissions() -> None:
    first = make_chain_link(ROW, 1, GENESIS_HASH)
    assert make_chain_link(ROW, 2, GENESIS_HASH).hash != first.hash
    assert make_chain_link(ROW, 1, first.hash).hash != first.hash
