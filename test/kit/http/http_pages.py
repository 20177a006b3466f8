"""Parses the pages about HTTP: sections of routes, examples, printed responses.

A section starts with ``### METHOD /path``. Its last ``bash`` block is the example; the ``json`` (or
``text``) block after it is the recorded response.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
INDEX = ROOT / "docs" / "reference" / "http.md"
PAGES = ROOT / "docs" / "reference" / "http"
TITLES = {
    "commands": "Commands",
    "reads": "Reads",
    "orders": "Single orders",
    "exports": "Exports",
    "groups": "Groups of accounts",
    "figures": "Figures",
    "control": "Account control",
    "exchanges": "Exchanges",
    "kill": "Kill switches",
    "risk": "Risk policies",
    "signals": "Signals",
    "sources": "Sources of signals",
    "alerts": "Price alerts",
    "notifications": "Notifications",
    "market": "Market data",
    "strategies": "Strategies",
    "backtests": "Backtests",
    "bots": "Bots",
    "hours": "Market hours",
    "ccxt": "ccxt",
    "people": "Current user",
    "sessions": "Browser sessions",
    "sharing": "Share links",
    "admin": "Administration",
    "operations": "Operations",
}
"""The pages in the order of the index."""

WITH_RUNNER = ("backtests", "strategies")
"""Pages whose examples need a runner."""

ROUTE_HEADING = re.compile(r"^### ((?:GET|POST|PUT|PATCH|DELETE) /\S*)$", re.MULTILINE)
NEXT_HEADING = re.compile(r"^##", re.MULTILINE)
CODE_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (\w+) \| (.*) \|$", re.MULTILINE)
LINK = re.compile(r"\[([^]]+)\]\([^)]*\)")
#: Generated names; the values of a map with such keys are not compared.
CHANGING = re.compile(r"[\w.-]+-[0-9a-f]{8}")
SECRET = re.compile(r"^(oms_|tok_)[A-Za-z0-9_-]{40,}$")
#: Lists that are printed and compared with all their items.
WHOLE_LISTS = {"limits"}
SEPARATOR = "== block"


@dataclass(frozen=True, slots=True)
class Section:
    """The section of one route."""

    page: str
    #: ``METHOD /path``.
    route: str
    text: str

    @property
    def rows(self) -> Mapping[str, str]:
        """The table of the section: who, query, body, answer, errors."""
        return dict(ROW.findall(self.text))

    @property
    def blocks(self) -> list[tuple[str, str]]:
        """Language and text of the code blocks."""
        return CODE_BLOCK.findall(self.text)

    @property
    def line(self) -> str:
        """The line of the route in the index."""
        first = " ".join(self.text.strip().split("\n\n")[0].split())
        printed = re.split(r"(?<=[a-z0-9)])[.;:] ", LINK.sub(r"\1", first))[0].rstrip(".")
        anchor = re.sub(r"[^a-z0-9 _-]", "", self.route.lower()).replace(" ", "-")
        return f"| [{self.route}](http/{self.page}.md#{anchor}) | {printed} |"


def page_text(name: str) -> str:
    """The text of a page."""
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def sections(name: str) -> Iterator[Section]:
    """The routes of a page."""
    text = page_text(name)
    for match in ROUTE_HEADING.finditer(text):
        rest = text[match.end() :]
        end = NEXT_HEADING.search(rest)
        yield Section(name, match[1], rest[: end.start()] if end else rest)


def all_sections() -> list[Section]:
    """The routes of all pages."""
    return [section for name in TITLES for section in sections(name)]


def render_index(index: str) -> str:
    """Returns the index page with its route lists generated from the pages."""
    lists = []
    for name, title in TITLES.items():
        lines = [section.line for section in sections(name)]
        lists.append("\n".join([f"### {title}\n", "| route | description |", "|---|---|", *lines]))
    return index[: index.index("### Commands\n")] + "\n\n".join(lists) + "\n"


def run_blocks(name: str, folder: Path, environment: Mapping[str, str]) -> list[tuple[int, str]]:
    """Runs the ``bash`` blocks of a page in one shell; returns (end offset, output) of each."""
    blocks = [match for match in CODE_BLOCK.finditer(page_text(name)) if match[1] == "bash"]
    script = ["set -euo pipefail"]
    for match in blocks:
        script += [f"echo; echo '{SEPARATOR}'", match[2]]
    process = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        # Examples read JSON with ``python3``: this one, whatever is first on the path.
        env=dict(environment) | {"PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    printed = process.stdout.split(f"\n{SEPARATOR}\n")[1:]
    return [(match.end(), text.strip()) for match, text in zip(blocks, printed, strict=True)]


def printed_answer(name: str, place: int) -> tuple[str, str] | None:
    """Language and text of the response block at offset ``place``, or None."""
    match = CODE_BLOCK.match(page_text(name)[place:].lstrip("\n"))
    return (match[1], match[2]) if match and match[1] in ("json", "text") else None


def shape_differences(printed: Any, real: Any, at: str = "$") -> list[str]:
    """Paths at which a response differs from the printed one: keys, types, empty lists.

    null matches anything. Lists are compared by their first item, whole ones by their length too.
    """
    if printed is None or real is None:
        return []
    if isinstance(printed, dict) and isinstance(real, dict):
        if any(CHANGING.fullmatch(key) for key in printed):
            return []
        paths = [f"{at}.{key}" for key in sorted(set(printed) ^ set(real))]
        both = [key for key in printed if key in real]
        paths += [
            f"{at}.{key} has {len(real[key])} items"
            for key in both
            if key in WHOLE_LISTS and len(printed[key]) != len(real[key])
        ]
        return paths + [
            d for k in both for d in shape_differences(printed[k], real[k], f"{at}.{k}")
        ]
    if isinstance(printed, list) and isinstance(real, list):
        if not printed or not real:
            return [] if bool(printed) is bool(real) else [f"{at} is empty"]
        return shape_differences(printed[0], real[0], f"{at}[0]")
    numbers = (int, float)
    if isinstance(printed, numbers) and isinstance(real, numbers):
        return []
    return [] if type(printed) is type(real) else [f"{at}: {type(real).__name__}"]


def shorten(value: Any) -> Any:
    """Shortens a response for print: long lists to one item, keys and tokens to their prefix."""
    if isinstance(value, str):
        return SECRET.sub(r"\1…", value)
    if isinstance(value, dict):
        return {
            key: [*map(shorten, item)] if key in WHOLE_LISTS else shorten(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        length = 3 if value and isinstance(value[0], (str, int, float)) else 1
        return [shorten(item) for item in value[:length]]
    return value


def format_json(value: Any, indent: str = "", width: int = 100) -> str:
    """Formats JSON for a page: values that fit share a line of ``width`` characters."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= width or not isinstance(value, (dict, list)):
        return line
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    inner = indent + " "
    if isinstance(value, dict):
        parts = [f"{json.dumps(k)}: {format_json(v, inner, width)}" for k, v in value.items()]
    else:
        parts = [format_json(item, inner, width) for item in value]
    lines, last = [], ""
    for part in parts:
        joined = f"{last}, {part}" if last else part
        if last and ("\n" in joined or len(inner) + len(joined) > width):
            lines.append(last)
            last = part
        else:
            last = joined
    lines.append(last)
    return opening + f",\n{inner}".join(lines) + closing
