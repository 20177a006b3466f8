"""``oms archive`` on the command line: what it refuses, prints and leaves."""

import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows
from oms.adapters.sql.archive.archives import SqlArchives

Run = Callable[..., Any]
OLD = "2020-01-01T00:00:00.000000Z"


@pytest.fixture
def database(run: Run, migrated: None, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installation with an account and an old raw payload; its database."""
    made = run("install", "--with-account")
    waiting = {"rows_per_file": 1000, "first_wait_seconds": 0}
    monkeypatch.setattr(SqlArchives.__init__, "__kwdefaults__", waiting)
    url = f"sqlite:///{data_folder / 'oms.sqlite3'}"
    execute(
        url,
        "INSERT INTO ccxt_orders_raw (id, account_id, exchange_id, raw_json, fingerprint_hash,"
        f" observed_at) VALUES (1, {made['account']['id']}, 'bybit', '{{}}', 'f', '{OLD}')",
    )
    return url


def test_an_archive_is_made_listed_verified_and_restored(
    run: Run, database: str, tmp_path: Path
) -> None:
    folder = f"--folder={tmp_path / 'archive'}"
    raw = "SELECT id, raw_json FROM ccxt_orders_raw"
    done = run("archive", "run", folder, "--before=2021-01-01")
    (archive,) = done["archives"]
    assert (archive["moved"], archive["kept"], fetch_rows(database, raw)) == (1, 0, [])
    path = tmp_path / "archive" / archive["file"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    (item,) = run("archive", "list")["items"]
    assert (item["id"], item["status"], item["rows"]) == (
        archive["id"],
        "archived",
        {"ccxt_orders_raw": 1},
    )
    assert run("archive", "run", folder, "--older-than-days=365")["archives"] == []
    assert run("archive", "verify", folder)["findings"] == []
    path.rename(tmp_path / "elsewhere")
    assert not run("archive", "verify", folder, status=7)["ok"]
    named = f"--archive-id={archive['id']}"
    assert "No such file" in run("archive", "restore", folder, named, "--yes", status=2)
    (tmp_path / "elsewhere").rename(path)
    assert run("archive", "restore", folder, named, "--yes")["archive"]["moved"] == 1
    assert fetch_rows(database, raw) == [(1, "{}")]
    assert run("archive", "list")["items"][0]["status"] == "restored"
    actions = fetch_rows(database, "SELECT action FROM audit_log WHERE entity = 'archive'")
    assert actions == [("archive",), ("archive_archived",), ("archive_restored",)]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--older-than-days=29",), "younger than 30 days"),
        (("--before=soon",), "a date or time"),
        ((), "required"),
    ],
)
def test_what_is_not_archived(
    run: Run, database: str, tmp_path: Path, flags: tuple[str, ...], said: str
) -> None:
    folder = f"--folder={tmp_path / 'archive'}"
    assert said in run("archive", "run", folder, *flags, status=2)


def test_events_are_archived_only_after_their_retention(
    run: Run, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMS_EVENTS_RETENTION_DAYS", "400")
    yesterday = (datetime.now(UTC) - timedelta(days=399)).date().isoformat()
    flags = (f"--folder={tmp_path / 'archive'}", f"--before={yesterday}")
    assert "younger than 400 days" in run("archive", "run", *flags, status=2)


def test_an_unknown_archive_is_not_restored(run: Run, database: str, tmp_path: Path) -> None:
    folder = f"--folder={tmp_path}"
    said = run("archive", "restore", folder, "--archive-id=77", "--yes", status=4)
    assert "archive 77 does not exist" in said
