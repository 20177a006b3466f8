"""``oms paper run``: the hash of the committed script, split, compressed, on another hash seed."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from oms.cli.main import main

ANCHORS = Path(__file__).parent.parent.parent / "anchors"
SCRIPT = ANCHORS / "paper.jsonl"
EXPECTED = (ANCHORS / "paper.sha256").read_text(encoding="utf-8").strip()


def ran(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    main(["paper", "run", *map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)


def test_committed_script_has_the_committed_hash(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ran(capsys, SCRIPT)
    assert answer["hash"] == EXPECTED, "behaviour or stored form changed: is that meant?"
    assert answer["lines"] == len(SCRIPT.read_text(encoding="utf-8").splitlines())
    assert answer["facts"] > 80


def test_split_and_compressed_script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lines = SCRIPT.read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "a.gz").write_bytes(gzip.compress("".join(lines[:90]).encode()))
    (tmp_path / "b").write_text("".join(lines[90:]), encoding="utf-8")
    half = ran(capsys, tmp_path / "a.gz", "--save", tmp_path / "saved")
    assert half["hash"] != EXPECTED
    assert ran(capsys, tmp_path / "b", "--load", tmp_path / "saved")["hash"] == EXPECTED


def test_hash_seed_does_not_matter(tmp_path: Path) -> None:
    result = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "oms", "paper", "run", str(SCRIPT)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        result.add(json.loads(done.stdout)["hash"])
    assert result == {EXPECTED}


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ('{"do": "settings", "paper": {"source": "dice"}}', 1, "source: 'dice'"),
        ('{"do": "settings", "colour": "red"}', 1, "settings have no key colour"),
        ('{"do": "settings", "position_mode": "x"}', 1, "line 1"),
        ('{"do": "clock"', 1, "line 1"),
        ('\n{"at": 1, "do": "clock"}\n[]', 1, "line 3"),
    ],
)
def test_broken_scripts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, status: int, message: str
) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        main(["paper", "run", str(path)])
    assert caught.value.code == status
    assert message in capsys.readouterr().err


def test_missing_script(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["paper", "run", str(tmp_path / "none")])
    assert caught.value.code == 2
