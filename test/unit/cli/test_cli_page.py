"""The page on the command line tells of every command and flag, and of no other."""

import re
from pathlib import Path
from typing import Any

from oms.cli.main import parser

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"
ROW = re.compile(r"^\| `([a-z-]+)(?: [a-z]+)?` \|([^|]*)\|", re.MULTILINE)
#: Flags of many commands, told above the tables.
COMMON = {"--json", "--help"}
NETWORK = {"--base-url", "--api-key", "--api-key-file", "--api-key-stdin", "--timeout"}


def test_the_page_is_the_parser() -> None:
    told: dict[str, set[str]] = {}
    for command, flags in ROW.findall(PAGE.read_text()):
        told.setdefault(command, set()).update(re.findall(r"`(--[a-z-]+)`", flags))
    assert told == _known()


def _known() -> dict[str, set[str]]:
    commands: Any = next(a for a in parser()._actions if a.dest == "command")
    known = {}
    for name, command in commands.choices.items():
        verbs = [a.choices.values() for a in command._actions if a.dest == "verb"]
        known[name] = set().union(*map(_flags, verbs[0] if verbs else [command]))
    return known


def _flags(command: Any) -> set[str]:
    flags = {
        flag
        for action in command._actions
        for flag in action.option_strings
        if flag.startswith("--") and action.help != "==SUPPRESS=="
    }
    return flags - COMMON - (NETWORK if "--base-url" in flags else set())
