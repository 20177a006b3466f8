"""The examples of the documentation run as they are printed, against a real gateway.

A block fenced as ``bash`` or ``python`` is run, blocks of a page in order and bash blocks in one
shell; a block without a language is not (its page says why). Anything else fails.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.gateway import Gateway

ROOT = Path(__file__).parent.parent.parent
PAGES = ["docs/start.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page: str, gateway: Gateway) -> None:
    blocks = list(_blocks(page))
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
    assert '"status":"FILLED"' in answer.stdout.replace(" ", "")
    assert '"detail"' not in answer.stdout, answer.stdout


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
