"""Pages that are drawn from code are as the code is now."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent.parent


def test_the_life_of_an_order_is_drawn_from_the_table() -> None:
    spec = importlib.util.spec_from_file_location(
        "draw", ROOT / "tools" / "generate_order_states.py"
    )
    assert spec is not None and spec.loader is not None
    draw = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(draw)
    page = (ROOT / "docs" / "domain" / "orders.md").read_text(encoding="utf-8")
    assert draw.update_page(page) == page, "run tools/generate_order_states.py"
