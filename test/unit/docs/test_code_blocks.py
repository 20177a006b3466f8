"""Code blocks of the documentation are run by a test, or marked ``not-run`` and valid in syntax.

Links lead to existing files and headings.
"""

import ast
import configparser
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from oms.cli.main import parser

ROOT = Path(__file__).parents[3]
OTHER_PAGES = ("README.md", "CONTRIBUTING.md", "ccxt_driver/README.md", "mt5_driver/README.md")
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in OTHER_PAGES)]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:^|[ /])oms ([a-z][a-z-]+(?: [^|&\n]*)?)(?=$|[|&])", re.MULTILINE)
#: Languages of blocks that a test runs.
RUN = {"bash", "python"}
#: Pages whose blocks are run by test_docs, test_docs_http, test_first_minutes, test_testnet_walk.
RUN_PAGES = {
    "docs/operations/archive.md",
    *("docs/start.md", "docs/operations/single-host.md", "README.md", "docs/how-to/testnet.md"),
    *("docs/how-to/loopback.md", "docs/how-to/freqtrade.md", "ccxt_driver/README.md"),
    "mt5_driver/README.md",
    *("docs/how-to/risk.md", "docs/how-to/stops.md", "docs/how-to/tradingview.md"),
    *("docs/how-to/bounce.md", "docs/how-to/notifications.md"),
    "docs/how-to/first-strategy.md",
    *(name for name in NAMES if name.startswith("docs/reference/http/")),
}
KNOWN_SECTIONS = {
    "Unit": {"Description", "After", "Wants"},
    "Service": {
        *("User", "Group", "EnvironmentFile", "WorkingDirectory", "ExecStart", "Restart"),
        *("RestartSec", "TimeoutStopSec", "UMask", "NoNewPrivileges", "ProtectSystem"),
        *("ProtectHome", "PrivateTmp", "ReadWritePaths", "InaccessiblePaths", "LimitNICE"),
    },
    "Install": {"WantedBy"},
}


def _blocks(name: str) -> list[tuple[str, str]]:
    return FENCE.findall((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_every_fence_is_closed(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(_blocks(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_block_is_run_or_marked_or_data(name: str) -> None:
    for language, text in _blocks(name):
        if language in RUN:
            assert name in RUN_PAGES, f"mark it `{language} not-run`, or run it: {text}"
        elif language == "json":
            assert json.loads(text) is not None
        else:
            assert language in ("", "text") or language.endswith(" not-run"), language


@pytest.mark.parametrize("name", NAMES)
def test_blocks_that_are_not_run_have_valid_syntax(name: str) -> None:
    for language, text in _blocks(name):
        match language:
            case "bash not-run":
                _check_bash(text)
            case "ini not-run":
                _check_ini(text)
            case "yaml not-run":
                assert yaml.safe_load(text)
            case "python not-run":
                ast.parse(text)
            case _:
                assert not language.endswith(" not-run"), f"no check of {language}"


def test_there_are_blocks_that_are_not_run() -> None:
    marked = [language for name in NAMES for language, _ in _blocks(name) if " not-run" in language]
    assert len(marked) >= 10


def _check_bash(text: str) -> None:
    """bash accepts the syntax, and our parser accepts the ``oms`` commands."""
    done = subprocess.run(
        ["bash", "-n"], input=text, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    for line in COMMAND.findall(text):
        assert callable(parser().parse_args(shlex.split(line, comments=True)).run)


def _check_ini(text: str) -> None:
    """Checks a systemd unit, server options, or environment lines."""
    if not text.startswith("["):
        assert all(re.fullmatch(r"[A-Z_]+=\S+", line) for line in text.splitlines())
        return
    read = configparser.ConfigParser(interpolation=None, strict=True)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string(text)
    if "Service" in read:
        for section in read.sections():
            assert set(read[section]) <= KNOWN_SECTIONS[section]
        line = read["Service"]["ExecStart"].split("/bin/oms ")[1].replace("%i", "1")
        assert callable(parser().parse_args(shlex.split(line)).run)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_existing_targets(name: str) -> None:
    page = ROOT / name
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in _anchors(target), link


def _anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-") for title in titles}
