"""Pages that are generated from code are up to date."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent.parent


def test_the_order_states_are_generated_from_the_transition_table() -> None:
    spec = importlib.util.spec_from_file_location(
        "generator", ROOT / "tools" / "generate_order_states.py"
    )
    assert spec is not None and spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    page = (ROOT / "docs" / "domain" / "orders.md").read_text(encoding="utf-8")
    assert generator.update_page(page) == page, "run tools/generate_order_states.py"
