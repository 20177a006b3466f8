"""Pages that are generated from code are up to date."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.mark.parametrize(
    ("program", "page"),
    [
        ("generate_order_states", "docs/domain/orders.md"),
        ("generate_page_roles", "docs/web-desk.md"),
    ],
)
def test_a_generated_table_is_that_of_the_sources(program: str, page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert _load(program).update_page(text) == text, f"run tools/{program}.py"


def test_the_chart_is_held_against_the_indicators_of_strategies() -> None:
    program = _load("generate_indicator_values")
    text = program.DOCUMENT.read_text(encoding="utf-8")
    assert program.text() == text, "run tools/generate_indicator_values.py"


def test_each_page_of_the_navigation_is_in_the_table_of_roles() -> None:
    pages = (ROOT / "apps" / "web" / "src" / "app" / "pages.ts").read_text(encoding="utf-8")
    listed = {page.path for page in _load("generate_page_roles").web_pages()}
    features = ROOT / "apps" / "web" / "src" / "features"
    existing = {
        path.relative_to(features).with_suffix("").as_posix()
        for path in features.glob("*/*Page.tsx")
    }
    named = [file for file in existing if f'file: "{file}"' in pages]
    assert len(listed) == len(named) > 15


def _load(program: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(program, ROOT / "tools" / f"{program}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by its name.
    sys.modules[program] = module
    spec.loader.exec_module(module)
    return module
