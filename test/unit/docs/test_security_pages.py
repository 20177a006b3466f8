"""The pages on security name commands and tests that exist."""

import re
import shlex
from pathlib import Path

import pytest

from oms.cli.main import parser

ROOT = Path(__file__).parents[3]
HARDENING = (ROOT / "docs/operations/hardening.md").read_text(encoding="utf-8")
MODEL = (ROOT / "docs/security-model.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^ *oms ((?:.*\\\n)*.*)$", re.MULTILINE)
COMMANDS = [match.replace("\\\n", " ") for match in COMMAND.findall(HARDENING)]
TESTS = sorted(set(re.findall(r"`(test/[\w/.]+)`", MODEL)))


def test_there_are_commands_and_tests() -> None:
    assert len(COMMANDS) > 10
    assert len(TESTS) > 10


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_page_are_accepted(command: str) -> None:
    text = re.sub(r'"\$\w+"', "1", command)
    assert parser().parse_args(shlex.split(text))


@pytest.mark.parametrize("path", TESTS)
def test_tests_of_the_model_exist(path: str) -> None:
    assert (ROOT / path).exists()
