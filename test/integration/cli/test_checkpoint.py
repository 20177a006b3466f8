"""Checkpoints of the hash chains: written, signed, and compared with the database."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows

Run = Callable[..., Any]
GENESIS = "0" * 64


@pytest.fixture
def database(run: Run, migrated: None, data_folder: Path) -> str:
    """A new installation with a few audit rows and a checkpoint of them."""
    run("install", "--with-account")
    written = run("audit", "checkpoint", "--out=kept.json")
    assert written["ok"] is True and written["chains"]["audit_log"]["length"] > 0
    assert Path("kept.json").stat().st_mode & 0o777 == 0o600
    return f"sqlite:///{data_folder / 'oms.sqlite3'}"


def found(run: Run, file: str = "kept.json", status: int = 7) -> set[str]:
    answer = run("verify", f"--checkpoint={file}", status=status)
    return {each["invariant"] for row in answer["accounts"] for each in row["findings"]}


def test_checkpoint_fits_the_database_it_was_made_of(run: Run, database: str) -> None:
    assert found(run, status=0) == set()
    run("create-user", "--name=anna")
    assert found(run, status=0) == set(), "rows were added since"
    run("audit", "checkpoint", "--out=later.json")
    assert found(run, "later.json", status=0) == set()


def test_checkpoint_is_printed(run: Run, database: str) -> None:
    printed = run("audit", "checkpoint")
    kept = json.loads(Path("kept.json").read_text())
    assert printed["chains"] == kept["chains"]
    assert set(printed) == {"format", "at", "installation", "chains", "key_id", "signature"}


def test_recomputed_chain_is_found(run: Run, database: str) -> None:
    execute(
        database,
        "UPDATE audit_log SET actor = 'another', chain_no = NULL, prev_hash = NULL, hash = NULL",
        f"UPDATE audit_chain SET length = 0, hash = '{GENESIS}' WHERE id = 1",
    )
    run("audit", "checkpoint", "--out=forged.json")
    assert run("verify")["ok"] is True, "the new chain fits its rows"
    assert found(run) == {"checkpoint_hash"}


def test_shortened_chain_is_found(run: Run, database: str) -> None:
    ((length,),) = fetch_rows(database, "SELECT length FROM audit_chain WHERE id = 1")
    ((before,),) = fetch_rows(database, f"SELECT hash FROM audit_log WHERE chain_no = {length - 1}")
    execute(
        database,
        f"DELETE FROM audit_log WHERE chain_no = {length}",
        f"UPDATE audit_chain SET length = {length - 1}, hash = '{before}' WHERE id = 1",
    )
    # The last row is the grant of the trader's key.
    assert found(run) == {"checkpoint_length", "registry_unaudited"}


@pytest.mark.parametrize("name", ["at", "installation", "signature"])
def test_changed_checkpoint_is_found(name: str, run: Run, database: str) -> None:
    content = json.loads(Path("kept.json").read_text())
    Path("kept.json").write_text(json.dumps(content | {name: "0" * 64}))
    assert found(run) == {"checkpoint_signature"}


def test_changed_head_in_a_checkpoint_is_found(run: Run, database: str) -> None:
    content = json.loads(Path("kept.json").read_text())
    content["chains"]["audit_log"] = {"length": 0, "hash": GENESIS}
    Path("kept.json").write_text(json.dumps(content))
    assert found(run) == {"checkpoint_signature"}


def test_checkpoint_of_another_installation_is_found(run: Run, database: str) -> None:
    execute(database, "UPDATE installation SET tag = '00000000'")
    assert found(run) == {"checkpoint_installation"}


def test_checkpoint_needs_its_master_key(run: Run, database: str) -> None:
    run("rotate-master-key")
    assert found(run, status=0) == set(), "the old key is still in the file"
    run("rotate-master-key", "--drop-old", "--yes")
    assert "needs the master key" in run("verify", "--checkpoint=kept.json", status=1)


@pytest.mark.parametrize(
    "text", ["", "nothing", "[]", '{"format": "oms-audit-checkpoint-1"}', '{"format": "other"}']
)
def test_file_that_is_no_checkpoint_is_refused(text: str, run: Run, database: str) -> None:
    Path("other.json").write_text(text)
    assert "other.json: the file is not a" in run("verify", "--checkpoint=other.json", status=2)


@pytest.mark.parametrize(
    "change",
    [
        {"chains": []},
        {"chains": {"audit_log": 1, "oms_commands": 2}},
        {"chains": {"audit_log": {"length": "1", "hash": ""}, "oms_commands": {}}},
        {"at": 5},
    ],
)
def test_damaged_checkpoint_is_refused(change: dict[str, Any], run: Run, database: str) -> None:
    content = json.loads(Path("kept.json").read_text())
    Path("kept.json").write_text(json.dumps(content | change))
    assert "damaged" in run("verify", "--checkpoint=kept.json", status=2)


def test_absent_file_and_missing_head_are_named(run: Run, database: str) -> None:
    assert "absent.json" in run("verify", "--checkpoint=absent.json", status=2)
    assert "below/a.json" in run("audit", "checkpoint", "--out=below/a.json", status=2)
    execute(database, "DELETE FROM audit_chain WHERE id = 2")
    assert "oms_commands" in run("audit", "checkpoint", status=1)
    assert found(run) == {"chain_head"}


def test_checkpoint_without_a_master_key_is_refused(
    run: Run, database: str, data_folder: Path
) -> None:
    (data_folder / "master.key").unlink()
    assert "no master key" in run("audit", "checkpoint", status=1)
