"""The bodies printed on the page about HTTP are read as they stand there."""

import re
from datetime import UTC, datetime
from pathlib import Path

from oms.wire.bodies import load_body
from oms.wire.commands import command_type
from oms.wire.reassign import read_reassign
from oms.wire.wishes import read_commands

PAGE = Path(__file__).parent.parent.parent.parent / "docs" / "reference" / "http.md"
BLOCK = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(title: str) -> list[object]:
    """The JSON values printed under a heading, down to the next."""
    section = PAGE.read_text(encoding="utf-8").split(f"### {title}\n")[1].split("\n## ")[0]
    return [load_body(text.encode()) for text in BLOCK.findall(section.split("\n### ")[0])]


def test_every_command_is_shown() -> None:
    one, several = blocks("POST /oms/commands")
    assert len(read_commands(one, 1)) == 1
    assert {command_type(wish.payload) for wish in read_commands(several, 20)} == {
        "send_order",
        "cancel_order",
        "cancel_all_orders",
        "change_order",
        "close_position",
        "close_all",
        "close_by",
        "merge_positions",
        "position_change",
    }


def test_reassignments_are_shown() -> None:
    now = datetime(2026, 4, 1, tzinfo=UTC)
    first, then = (read_reassign(body, now) for body in blocks("POST /oms/reassign"))
    assert (first.is_preview, first.reconciled) == (True, False)
    assert (then.is_preview, then.order_ids, then.strategy_id) == (False, (31, 32), 7)
