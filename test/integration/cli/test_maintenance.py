"""Master keys, the doctor and installations after interruptions and with errors."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.free_ports import free_port
from oms.adapters.key_file import KeyFile
from oms.adapters.vault import MasterKey, new_master_key

Run = Callable[..., Any]
BOTH = ("--api-key-stdin", "--secret-stdin")


@pytest.fixture
def account(run: Run, migrated: None) -> str:
    """An installation with credentials for its account; the flag with its id."""
    made = run("install", "--with-account")
    named = f"--account-id={made['account']['id']}"
    run("upsert-account-credentials", named, *BOTH, stdin="clear-key\nclear-secret\n")
    return named


def test_interrupted_rotation_is_completed_first(run: Run, account: str, data_folder: Path) -> None:
    file = KeyFile(data_folder / "master.key")
    (old,) = file.read()
    new = new_master_key()
    # A run killed after it wrote the key and before it encrypted anything.
    file.replace([new, old])
    ended = run("rotate-master-key")
    assert (ended["resealed"], list(file.read())) == (1, [new, old])
    begun = run("rotate-master-key")
    assert begun["resealed"] == 1 and len(file.read()) == 3
    dropped = run("rotate-master-key", "--drop-old", "--yes")
    assert dropped["dropped"] == [MasterKey.of(new).id, MasterKey.of(old).id]
    assert (dropped["resealed"], len(file.read())) == (0, 1)
    assert run("rotate-master-key", "--drop-old", "--yes")["dropped"] == []


def test_given_key_is_added_once(run: Run, account: str, data_folder: Path) -> None:
    file, new = KeyFile(data_folder / "master.key"), new_master_key()
    (old,) = file.read()
    for resealed in (1, 0):
        body = run("rotate-master-key", "--new-key-stdin", stdin=new)
        assert (body["resealed"], list(file.read())) == (resealed, [new, old])
    back = run("rotate-master-key", "--new-key-stdin", stdin=old)
    assert (back["resealed"], list(file.read())) == (1, [old, new])


def test_keys_in_the_environment_rotate_without_a_file(
    run: Run, account: str, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = KeyFile(data_folder / "master.key").read()
    (data_folder / "master.key").unlink()
    monkeypatch.setenv("OMS_MASTER_KEY", f"{new_master_key()},{old}")
    body = run("rotate-master-key")
    assert (body["resealed"], body["verified"]) == (1, 1)
    assert run("rotate-master-key")["resealed"] == 0
    assert not (data_folder / "master.key").exists()
    for flags in (("--drop-old", "--yes"), ("--new-key", new_master_key())):
        assert "OMS_MASTER_KEY" in run("rotate-master-key", *flags, status=2)


@pytest.mark.parametrize("key", ["nonsense", "", "A" * 44])
def test_invalid_key_leaves_the_file_unchanged(
    key: str, run: Run, account: str, data_folder: Path
) -> None:
    before = KeyFile(data_folder / "master.key").read()
    said = run("rotate-master-key", "--new-key-stdin", stdin=key, status=1)
    assert "URL-safe base64" in said
    assert KeyFile(data_folder / "master.key").read() == before


def test_undecryptable_credentials_keep_their_key(
    run: Run, account: str, data_folder: Path
) -> None:
    file = KeyFile(data_folder / "master.key")
    (lost,) = file.read()
    file.replace([new_master_key()])
    body = run("rotate-master-key", "--drop-old", "--yes", status=1)
    assert body["unreadable"] and body["dropped"] == []
    assert not _check(run, "keys", "doctor", status=7)["ok"]
    file.replace([*file.read(), lost])
    assert run("rotate-master-key")["unreadable"] == []


def test_credentials_need_a_master_key(run: Run, data_folder: Path) -> None:
    run("install", "--with-account")
    (data_folder / "master.key").unlink()
    said = run("upsert-account-credentials", "--account-id=1", *BOTH, stdin="a\nb\n", status=1)
    assert "no master key" in said
    assert _check(run, "keys", "doctor", status=7)["ok"]
    assert "no master key" in run("rotate-master-key", status=1)
    assert "no master key" in run("encrypt", "--value-stdin", stdin="a", status=1)


def test_doctor_reports_problems(run: Run, account: str, data_folder: Path) -> None:
    (data_folder / "master.key").chmod(0o644)
    assert "chmod 600" in _check(run, "keys", "doctor", status=7)["detail"]
    assert _check(run, "worker", "doctor", status=7)["ok"] is False
    assert _check(run, "exchange", "doctor", "--account-id=987654", status=7)["ok"] is False
    database = f"sqlite:///{data_folder / 'oms.sqlite3'}"
    (last,) = fetch_rows(database, "SELECT version_num FROM alembic_version")[0]
    execute(database, "UPDATE alembic_version SET version_num = '0014'")
    pending = _check(run, "migrations", "doctor", status=7)
    assert not pending["ok"] and last in pending["detail"]


def test_doctor_names_the_database_that_it_tried(
    run: Run, account: str, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(data_folder / "oms.sqlite3") in _check(run, "database", "doctor", status=7)["detail"]
    url = f"mysql+asyncmy://oms:hidden@127.0.0.1:{free_port()}/books"
    monkeypatch.setenv("OMS_DATABASE_URL", url)
    detail = _check(run, "database", "doctor", status=7)["detail"]
    assert detail.endswith(f": mysql at {url.partition('@')[2]}") and "hidden" not in detail


def test_doctor_reports_invalid_settings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_PORT", "many")
    body = run("doctor", status=7)
    assert [check["name"] for check in body["checks"]] == ["config"]
    assert "port" in body["checks"][0]["detail"]


def test_interrupted_installation_is_completed(run: Run, data_folder: Path) -> None:
    made = run("install", "--with-account")
    database = f"sqlite:///{data_folder / 'oms.sqlite3'}"
    # As if killed between the account and its grant.
    execute(
        database,
        "DELETE FROM api_key_account_permissions",
        "DELETE FROM user_account_permissions",
    )
    again = run("install", "--with-account", "--position-mode=netting")
    assert again["account"] == made["account"], "what exists is reported as it is"
    granted = fetch_rows(database, "SELECT api_key_id, can_trade FROM api_key_account_permissions")
    assert granted == [(made["api_key"]["id"], 1)]


def test_key_restrictions_are_stored(run: Run, data_folder: Path) -> None:
    run("install")
    flags = ("--ip-allowlist=10.0.0.0/8, ::1", "--max-order-notional=1e3", "--max-day-notional=5")
    made = run("create-api-key", "--user-id=1", "--expires-at=2030-01-01", *flags)
    ((expires, networks, order, day),) = fetch_rows(
        f"sqlite:///{data_folder / 'oms.sqlite3'}",
        "SELECT expires_at, ip_allowlist, max_order_notional, max_day_notional"
        f" FROM user_api_keys WHERE id = {made['api_key_id']}",
    )
    assert expires == "2030-01-01T00:00:00.000000Z"
    assert json.loads(networks) == ["10.0.0.0/8", "::1/128"]
    assert (order, day) == ("1000", "5")


@pytest.mark.parametrize(
    "flag",
    [
        *("--expires-at=soon", "--ip-allowlist=10.0.0.1/8", "--ip-allowlist=here"),
        *("--max-order-notional=-1", "--max-order-notional=0", "--max-day-notional=NaN"),
    ],
)
def test_invalid_restriction_creates_no_key(flag: str, run: Run, data_folder: Path) -> None:
    run("install")
    said = run("create-api-key", "--user-id=1", flag, status=2)
    assert flag.partition("=")[0] in said
    database = f"sqlite:///{data_folder / 'oms.sqlite3'}"
    assert fetch_rows(database, "SELECT COUNT(*) FROM user_api_keys") == [(1,)]


def test_invalid_backup_is_refused(run: Run, data_folder: Path) -> None:
    run("install")
    Path("a.gz").write_bytes(b"nothing")
    assert "not a valid backup" in run("restore", "--in=a.gz", "--yes", status=2)
    assert "absent" in run("restore", "--in=absent", "--yes", status=2)
    os.mkdir("folder")
    run("backup", "--out=folder/below/a.gz", status=2)


def _check(run: Run, name: str, *words: str, status: int) -> Any:
    (found,) = [check for check in run(*words, status=status)["checks"] if check["name"] == name]
    return found


def test_key_is_disabled_and_enabled(run: Run, account: str, data_folder: Path) -> None:
    database = f"sqlite:///{data_folder / 'oms.sqlite3'}"

    def stored(key_id: int) -> tuple[object, ...]:
        text = "SELECT status, disabled_by, disabled_by_user_id FROM user_api_keys WHERE id = "
        (row,) = fetch_rows(database, f"{text}{key_id}")
        return tuple(row)

    user_id = run("create-user", "--name=ann")["user_id"]
    key_id = run("create-api-key", f"--user-id={user_id}")["api_key_id"]
    named = f"--api-key-id={key_id}"
    body = run("set-api-key-status", named, "--disabled", "--comment=lost")
    assert body == {"ok": True, "api_key_id": key_id, "status": "disabled", "rows": 1}
    status, disabled_by, disabled_by_user_id = stored(key_id)
    assert (status, disabled_by_user_id) == ("disabled", None)
    assert str(disabled_by).startswith("cli:")
    (comment,) = fetch_rows(
        database, "SELECT comment FROM audit_log WHERE action = 'change_api_key'"
    )
    assert tuple(comment) == ("lost",)
    assert run("set-api-key-status", named, "--enabled")["status"] == "active"
    assert stored(key_id) == ("active", None, None)
    unknown = run("set-api-key-status", "--api-key-id=999999", "--disabled", status=4)
    assert "999999" in unknown
