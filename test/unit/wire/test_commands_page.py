"""The commands in the documentation are valid bodies."""

import re
from pathlib import Path

from oms.wire.commands.command_codec import command_type_of
from oms.wire.commands.command_requests import read_commands
from oms.wire.request_body import load_body

PAGE = Path(__file__).parent.parent.parent.parent / "docs" / "reference" / "http" / "commands.md"
BLOCK = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(title: str) -> list[object]:
    """Return the JSON values printed under a heading, up to the next one."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    return [load_body(text.encode()) for text in BLOCK.findall(section)]


def test_every_command_is_documented() -> None:
    (several,) = blocks("All commands")
    assert {command_type_of(request.payload) for request in read_commands(several, 20)} == {
        "send_order",
        "cancel_order",
        "cancel_all_orders",
        "change_order",
        "close_position",
        "close_all",
        "close_by",
        "merge_positions",
        "position_change",
        "break_even",
        "reverse_position",
    }
