"""A data folder, and the command line in this process."""

import asyncio
import json
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from kit.databases.schema import copy_schema
from kit.databases.sql import dsn_of
from oms.cli.main import main
from oms.cli.settings import environment

Run = Callable[..., Any]


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder without settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in list(environment()):
        if name.startswith("OMS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OMS_HOME", str(tmp_path / "var"))
    return tmp_path / "var"


@pytest.fixture
def migrated(data_folder: Path) -> None:
    """The data folder has an empty database of this version: ``install`` has nothing to migrate."""
    asyncio.run(copy_schema(dsn_of(data_folder / "oms.sqlite3")))


@pytest.fixture
def run(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command with ``stdin``; returns its output after checking the exit status."""

    def run(*words: str, stdin: str = "", status: int = 0) -> Any:
        monkeypatch.setattr(sys, "stdin", StringIO(stdin))
        ended = 0
        try:
            main([*words, "--json"])
        except SystemExit as left:
            ended = int(left.code or 0)
        shown = capsys.readouterr()
        assert ended == status, shown
        return json.loads(shown.out) if shown.out else shown.err

    return run
