"""Generates the table of roles, pages and actions in ``docs/web-desk.md``.

The pages and the actions that offer them are those of ``apps/web/src/app/pages.ts``; the actions
within a page are those that its components ask for with ``can``; what a role may do is the table
of ``domain/access.py``. After changing one of them run
``.venv/bin/python tools/generate_page_roles.py``. A test holds the page against the sources.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from oms.domain.access import MATRIX, Permission, Role, RoleAccess

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "apps" / "web" / "src"
DOCUMENT = ROOT / "docs" / "web-desk.md"
BEGIN, END = "<!-- generated from the pages: begin -->", "<!-- generated from the pages: end -->"
SHELL = "app/shell/Shell"

_PAGE = re.compile(
    r'\{ name: "(\w+)", path: "/([^"]+)", file: "([^"]+)".*?needs: \[([^\]]+)\]', re.DOTALL
)
_ASKED = re.compile(r'\b(?:can|useCan\(\))\((?:me, )?"(\w+)"')
_IMPORT = re.compile(r'(?:from |import\()"@/((?:features|app/shell)/[^"]+)"')


@dataclass(frozen=True)
class WebPage:
    """A page of the web desk: who is offered it, and which actions it has within."""

    title: str
    path: str
    needs: tuple[Permission, ...]
    actions: tuple[Permission, ...]

    def is_offered(self, role: Role) -> bool:
        """Returns whether the navigation of this role has the page."""
        return any(MATRIX[action, role] is not RoleAccess.NO for action in self.needs)


def web_pages() -> list[WebPage]:
    """Returns the pages in the order of the navigation."""
    words = (SOURCES / "locales" / "en" / "shell.ts").read_text(encoding="utf-8")
    titles = words[words.index("  page: {") :]
    found = []
    text = (SOURCES / "app" / "pages.ts").read_text(encoding="utf-8")
    for name, path, file, needs in _PAGE.findall(text):
        if _source(f"features/{file}") is None:
            continue
        title = re.search(rf'\b{name}: "([^"]+)"', titles)
        assert title is not None, name
        asked = tuple(Permission(word) for word in re.findall(r'"(\w+)"', needs))
        within = asked_actions(f"features/{file}")
        inner = tuple(one for one in within if asked != (one,))
        found.append(WebPage(title[1], path, asked, inner))
    return found


def asked_actions(module: str) -> tuple[Permission, ...]:
    """Returns the actions that a component and those it imports ask for, in order of the table."""
    texts = [path.read_text(encoding="utf-8") for path in _closure(module)]
    words = {word for text in texts for word in _ASKED.findall(text)}
    return tuple(permission for permission in Permission if permission.value in words)


def _source(module: str) -> Path | None:
    candidates = (SOURCES / f"{module}{suffix}" for suffix in (".tsx", ".ts"))
    return next((path for path in candidates if path.exists()), None)


def _closure(module: str) -> Iterator[Path]:
    seen, waiting = set[str](), [module]
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if name in seen or path is None:
            continue
        seen.add(name)
        yield path
        waiting += _IMPORT.findall(path.read_text(encoding="utf-8"))


def table() -> str:
    """Returns roles, pages and actions as a Markdown table."""
    lines = ["| page | action | A | T | P | B | K | R |", "|---|---|---|---|---|---|---|---|"]
    for page in web_pages():
        offered = ["✓" if page.is_offered(role) else "–" for role in Role]
        lines.append(_line(page.title, "is offered", offered))
        lines += [_line("", action.value, _signs(action)) for action in page.actions]
    actions = asked_actions(SHELL)
    lines += [_line("on every page", action.value, _signs(action)) for action in actions]
    return "\n".join(lines)


def _signs(action: Permission) -> list[str]:
    return [MATRIX[action, role].value for role in Role]


def _line(page: str, action: str, cells: list[str]) -> str:
    return f"| {' | '.join([page, action, *cells])} |"


def update_page(page: str) -> str:
    """Returns ``page`` with a new table between the marks."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


if __name__ == "__main__":
    DOCUMENT.write_text(update_page(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
