"""The command line reference documents exactly the parser's commands and flags."""

import re
import shlex
from pathlib import Path
from typing import Any

from oms.cli.main import parser

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"
ROW = re.compile(r"^\| `([a-z-]+)(?: [a-z-]+)?` \|([^|]*)\|", re.MULTILINE)
#: Flags of many commands, documented above the tables.
COMMON = {"--json", "--help"}
NETWORK = {"--base-url", "--api-key", "--api-key-file", "--api-key-stdin", "--timeout"}


def test_page_matches_the_parser() -> None:
    result: dict[str, set[str]] = {}
    for command, flags in ROW.findall(PAGE.read_text()):
        result.setdefault(command, set()).update(re.findall(r"`(--[a-z-]+)`", flags))
    assert result == _known()


EXAMPLE = re.compile(r"^```[^\n`]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: What ends the words of a command in a shell line.
SHELL_END = re.compile(r" (?:>|\|\|) ")
#: A command in a shell line: at its beginning, after a pipe, or run in a container.
COMMAND_LINE = re.compile(r"(?:^|\| )oms ([a-z-]+.*)$|run .* --no-deps master-key ([a-z-]+.*)$")
DOCS = PAGE.parents[1]


def test_documented_examples_are_valid_commands() -> None:
    """They are only parsed here; those of docs/start.md are run in test/e2e."""
    read = []
    for page in sorted(DOCS.rglob("*.md")):
        if page.name == "start.md" or page.parent.name == "http":
            continue
        for block in EXAMPLE.findall(page.read_text(encoding="utf-8")):
            found = map(COMMAND_LINE.search, block.replace("\\\n", " ").splitlines())
            messages = [SHELL_END.split(line[1] or line[2])[0] for line in found if line]
            read += [
                shlex.split(re.sub(r"\$[A-Z]+", "1", line), comments=True) for line in messages
            ]
    for words in read:
        assert callable(parser().parse_args(words).run)
    assert [words[0] for words in read].count("rotate-master-key") == 5
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
