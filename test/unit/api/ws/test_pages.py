"""The pages about the stream say what the code does."""

import re
from pathlib import Path

from oms.api.sockets import door, listening, outbox, protocol, session
from oms.api.sockets.subscribe import NAMESPACES
from oms.config import Events

ROOT = Path(__file__).resolve().parents[4]
PAGES = ROOT / "docs" / "reference"
NAMED = re.compile(r'name\s?=\s?"([a-z_]+)"|"((?:order|deal|position|command)_updated)"')


def test_every_event_that_is_made_is_written_down() -> None:
    page = (PAGES / "events.md").read_text(encoding="utf-8")
    made: set[str] = set()
    code = ROOT / "apps" / "oms"
    for source in (*code.glob("domain/*.py"), *code.glob("services/*.py"), code / "wire/events.py"):
        text = source.read_text(encoding="utf-8")
        if "Event(" in text or source.name == "events.py":
            made |= {match[1] or match[2] for match in NAMED.finditer(text)}
    assert len(made) > 20
    assert [name for name in sorted(made) if f"`{name}`" not in page] == []


def test_every_close_code_namespace_and_setting_is_written_down() -> None:
    page = (PAGES / "websocket.md").read_text(encoding="utf-8")
    codes = {
        value
        for module in (door, listening, outbox, protocol, session)
        for value in vars(module).values()
        if isinstance(value, int) and (1000 < value < 1016 or 4400 <= value < 4500)
    }
    assert len(codes) >= 9
    assert [code for code in sorted(codes) if f"| {code} |" not in page] == []
    assert [word for word in NAMESPACES if f"`{word}`" not in page] == []
    assert [name for name in Events.model_fields if f"`events.{name}`" not in page] == []
