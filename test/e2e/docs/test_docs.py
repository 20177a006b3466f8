"""The examples of the documentation run as they are printed, against a real gateway.

A block fenced as ``bash`` or ``python`` is run, blocks of a page in order and bash blocks in one
shell; a block without a language, or marked ``not-run``, is not (its page says why, and its syntax
is checked elsewhere). Anything else fails. The pages about HTTP run in tests of their own.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.gateway.processes import Gateway

ROOT = Path(__file__).parents[3]
PAGES = ["docs/start.md", "docs/operations/single-host.md"]
BLOCK = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Output of the examples of a page if they succeed.
EXPECTED_OUTPUT = {
    "docs/start.md": ('"status":"FILLED"', '"invariants"'),
    "docs/operations/single-host.md": ('"checks"', '"pending":[]', '"oms_deals":'),
}


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page: str, gateway: Gateway) -> None:
    blocks = [block for block in _blocks(page) if not block[0].endswith(" not-run")]
    assert {language for language, _ in blocks} <= {"bash", "python", ""}
    script = ["set -euo pipefail"]
    for number, (language, text) in enumerate(blocks):
        script.append(f"echo; echo '== block {number}'")
        if language == "bash":
            script.append(text)
        elif language == "python":
            script.append(f"{sys.executable} - <<'PYTHON'\n{text}PYTHON")
    answer = _run("\n".join(script), gateway)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert '"ccxt_class"' not in answer.stdout, answer.stdout
    for word in EXPECTED_OUTPUT[page]:
        assert word in answer.stdout.replace(" ", "")


def test_mariadb_knows_the_options_that_are_printed(tmp_path: Path) -> None:
    """An unknown option ends the server before it prints anything."""
    page = (ROOT / "docs/operations/single-host.md").read_text(encoding="utf-8")
    (options,) = [text for _, text in BLOCK.findall(page) if "[mysqld]" in text]
    (tmp_path / "oms.cnf").write_text(options, encoding="utf-8")
    binary = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    line = [binary, f"--defaults-file={tmp_path / 'oms.cnf'}", "--help", "--verbose"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^innodb-flush-log-at-trx-commit\s+1$", done.stdout, re.MULTILINE)
    assert re.search(r"^max-connections\s+200$", done.stdout, re.MULTILINE)


def _blocks(page: str) -> Iterator[tuple[str, str]]:
    for match in BLOCK.finditer((ROOT / page).read_text(encoding="utf-8")):
        yield match[1], match[2]


def _run(script: str, gateway: Gateway) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", script],
        cwd=gateway.folder,
        env=gateway.environment | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
