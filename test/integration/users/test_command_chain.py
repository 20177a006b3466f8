"""The hash chain of the commands: links of acceptance and result, detection of tampering."""

import logging
from datetime import timedelta

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.admin_client import AdminClient
from oms.adapters.clock import SystemClock
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.services.access import chain_commands
from oms.services.access.chain_commands import ChainCommands
from oms.wire.commands.command_codec import payload_fingerprint

GENESIS = "0" * 64


def chain_of(api: AdminClient) -> ChainCommands:
    return ChainCommands(chain=api.gateway.store.command_chain, clock=SystemClock())


def links_of(api: AdminClient) -> list[tuple[int, int, str, int]]:
    """Number, command, status and whether another link follows."""
    text = "SELECT chain_no, command_id, status, is_open FROM command_chain ORDER BY chain_no"
    return [(row[0], row[1], row[2], int(row[3])) for row in fetch_rows(api.dsn, text)]


async def findings_of(api: AdminClient) -> set[tuple[str, str, int | str]]:
    answer = await build_verify_report(api.gateway.store, Settings())
    findings = [finding for row in answer["accounts"] for finding in row["findings"]]
    assert answer["ok"] is not bool(findings)
    return {(each["invariant"], each["entity"], each["id"]) for each in findings}


async def sent(api: AdminClient, count: int) -> list[int]:
    """Commands that are queued."""
    bodies = [api.gateway.command() for _ in range(count)]
    answer = await api.gateway.client("POST", "/oms/commands?wait_ms=0", bodies)
    return [row["command_id"] for row in answer.json()["results"]]


async def executed(api: AdminClient) -> int:
    """A command that has ended, after one that set the price."""
    price = {"account_id": api.gateway.account_id, "symbol": "BTC/USDT:USDT", "price": "50000"}
    assert (await api.gateway.client("POST", "/paper/price", price)).status == 200
    answer = await api.gateway.client(
        "POST", "/oms/commands?wait_ms=10000", [api.gateway.command()]
    )
    (row,) = answer.json()["results"]
    assert row["status"] == "done"
    return int(row["command_id"])


async def test_acceptance_and_result_are_linked(api: AdminClient) -> None:
    chain, (first, second) = chain_of(api), await sent(api, 2)
    assert (await chain(), await chain()) == (2, 0)
    assert links_of(api) == [(1, first, "accepted", 1), (2, second, "accepted", 1)]
    api.gateway.start_worker()
    third = await executed(api)
    await chain()
    ended = [command_id for _, command_id, _, _ in links_of(api)[2:]]
    price = ended[2]  # Of the command that set the price.
    assert ended == [first, second, price, third]
    assert second < price < third
    assert {row[3] for row in links_of(api)} == {0}
    assert await findings_of(api) == set()


async def test_resolved_result_gets_another_link(api: AdminClient) -> None:
    chain, (command_id,) = chain_of(api), await sent(api, 1)
    at = "created_at"
    execute(
        api.dsn,
        f"UPDATE oms_commands SET status = 'unknown', result_json = '{{}}', finished_at = {at}",
    )
    assert await chain() == 1
    execute(api.dsn, "UPDATE oms_commands SET status = 'done'")
    assert (await chain(), await chain()) == (1, 0)
    assert links_of(api) == [(1, command_id, "unknown", 0), (2, command_id, "done", 0)]
    assert not {name for name, _, _ in await findings_of(api)} & {"command_digest", "chain_hash"}


async def test_late_command_is_linked(api: AdminClient, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, (first, _) = chain_of(api), await sent(api, 2)
    (stored,) = fetch_rows(api.dsn, f"SELECT payload_json FROM oms_commands WHERE id = {first}")
    assert stored
    columns = "account_id, command_type, fingerprint, payload_json, status, attempts, created_at"
    execute(
        api.dsn,
        "CREATE TABLE kept AS SELECT * FROM oms_commands",
        f"DELETE FROM oms_commands WHERE id = {first}",
    )
    assert await chain() == 1
    execute(
        api.dsn,
        f"INSERT INTO oms_commands (id, {columns}, updated_at) SELECT id, {columns}, updated_at"
        f" FROM kept WHERE id = {first}",
        "DROP TABLE kept",
    )
    assert await chain() == 0, "late commands are searched every few minutes"
    monkeypatch.setattr(chain_commands, "LATE_COMMANDS_INTERVAL", timedelta(0))
    assert (await chain(), await chain()) == (1, 0)
    assert {row[1] for row in links_of(api)} >= {first}


async def test_two_processes_link_each_command_once(api: AdminClient) -> None:
    one, other = chain_of(api), chain_of(api)
    for chain in (one, other, one, other):
        await sent(api, 3)
        assert await chain() == 3
    linked = [row[1] for row in links_of(api)]
    assert len(linked) == len(set(linked)) == 12


async def test_reading_calls_are_not_linked(api: AdminClient) -> None:
    (command_id,) = await sent(api, 1)
    execute(
        api.dsn,
        "UPDATE oms_commands SET command_type = 'ccxt_call', payload_json = '{\"method\":1}'",
    )
    assert await chain_of(api)() == 0
    (other,) = await sent(api, 1)
    assert await chain_of(api)() == 1
    assert [row[1] for row in links_of(api)] == [other] != [command_id]


@pytest.mark.parametrize("damage", ["DELETE FROM audit_chain WHERE id = 2", "head"])
async def test_broken_chain_is_logged(
    api: AdminClient, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    chain = chain_of(api)
    await sent(api, 1)
    await chain()
    reset = f"UPDATE audit_chain SET length = 0, hash = '{GENESIS}' WHERE id = 2"
    execute(api.dsn, reset if damage == "head" else damage)
    await sent(api, 1)
    with caplog.at_level(logging.ERROR):
        assert await chain() == 0
    assert "audit_chain_broken chain=oms_commands" in caplog.text
    assert "chain_head" in {name for name, _, _ in await findings_of(api)}


FALSE_PAYLOAD = '{"symbol":"BTC/USDT:USDT","side":"sell","order_type":"market","qty":"9"}'


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("payload_json", FALSE_PAYLOAD),
        ("fingerprint", payload_fingerprint("send_order", FALSE_PAYLOAD)),
        ("command_type", "cancel_order"),
        ("actor_user_id", "777"),
        ("actor_api_key_id", "777"),
        ("actor_role", "admin"),
        ("actor_ip", "10.9.9.9"),
        ("comment", "as agreed"),
        ("request_id", "another"),
        ("idempotency_key", "another"),
        ("created_at", "2020-01-01 00:00:00"),
        ("result_json", "{}"),
        ("error_json", "{}"),
        ("status", "queued"),
        ("finished_at", "2020-01-01 00:00:00"),
    ],
)
async def test_changed_command_is_detected(api: AdminClient, column: str, value: str) -> None:
    api.gateway.start_worker()
    command_id = await executed(api)
    await api.gateway.stop_worker()
    await chain_of(api)()
    assert await findings_of(api) == set()
    execute(api.dsn, f"UPDATE oms_commands SET {column} = '{value}' WHERE id = {command_id}")
    assert ("command_digest", "command", command_id) in await findings_of(api)


async def test_deleted_command_is_detected(api: AdminClient) -> None:
    first, _ = await sent(api, 2)
    await chain_of(api)()
    execute(api.dsn, f"DELETE FROM oms_commands WHERE id = {first}")
    assert ("command_deleted", "command", first) in await findings_of(api)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM command_chain WHERE chain_no = 2", {"chain_number", "chain_hash"}),
        ("DELETE FROM command_chain WHERE chain_no = 3", {"chain_length", "chain_head"}),
        ("UPDATE command_chain SET status = 'done' WHERE chain_no = 2", {"chain_hash"}),
        ("UPDATE command_chain SET digest = 'x' WHERE chain_no = 2", {"command_digest"}),
        ("UPDATE command_chain SET hash = 'x' WHERE chain_no = 2", {"chain_hash"}),
    ],
)
async def test_changed_link_is_detected(
    api: AdminClient, statement: str, expected: set[str]
) -> None:
    await sent(api, 3)
    await chain_of(api)()
    execute(api.dsn, statement)
    assert expected <= {name for name, _, _ in await findings_of(api)}
