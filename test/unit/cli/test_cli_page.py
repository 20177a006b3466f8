"""The page on the command line tells of every command and flag, and of no other."""

import re
import shlex
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


EXAMPLE = re.compile(r"^```[^\n`]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: A command in a line of shell: at its beginning, after a pipe, or told to a container.
TOLD = re.compile(r"(?:^|\| )oms ([a-z-]+.*)$|run .* --no-deps master-key ([a-z-]+.*)$")
DOCS = PAGE.parents[1]


def test_every_example_of_the_documentation_is_a_command() -> None:
    """None of them is run here; those of docs/start.md are, elsewhere."""
    read = []
    for page in sorted(DOCS.rglob("*.md")):
        if page.name == "start.md" or page.parent.name == "http":
            continue
        for block in EXAMPLE.findall(page.read_text(encoding="utf-8")):
            found = map(TOLD.search, block.replace("\\\n", " ").splitlines())
            told = [line[1] or line[2] for line in found if line]
            read += [shlex.split(re.sub(r"\$[A-Z]+", "1", line), comments=True) for line in told]
    for words in read:
        assert callable(parser().parse_args(words).run)
    assert [words[0] for words in read].count("rotate-master-key") == 3
    assert len(read) >= 7


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
