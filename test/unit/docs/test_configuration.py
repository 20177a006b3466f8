"""The configuration page lists every setting and variable with the defaults of the code."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from oms.config import Settings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z_.]+)` \| `(OMS_[A-Z_]+)` \| `([^`]*)` \| (\S.*) \|$", re.MULTILINE)
VARIABLE = re.compile(r"\bOMS_[A-Z_]*[A-Z]\b")
#: Other names, and the pattern of variable names.
NO_VARIABLES = {"OMS_ID", "OMS_NAME", "OMS_A_B"}


def test_every_setting_is_on_the_page_with_its_default() -> None:
    documented = [(name, json.loads(default)) for name, _, default, _ in ROW.findall(PAGE)]
    assert documented == [(name, default) for name, default in _settings(Settings)]


def test_a_setting_s_variable_is_named_after_it() -> None:
    rows = ROW.findall(PAGE)
    assert rows
    for name, variable, _, _ in rows:
        assert variable == "OMS_" + name.replace(".", "_").upper()


def test_every_variable_that_the_code_reads_is_on_the_page() -> None:
    files = [
        *(ROOT / "apps" / "oms").rglob("*.py"),
        *(ROOT / "ccxt_driver").rglob("*.py"),
        *(ROOT / name for name in ("docker-compose.stack.yml", "apps/Dockerfile", "Makefile")),
    ]
    variables = set().union(*(VARIABLE.findall(file.read_text(encoding="utf-8")) for file in files))
    of_tests = {name for name in variables if name.startswith("OMS_TEST_")}
    assert of_tests <= set(VARIABLE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert variables - of_tests - NO_VARIABLES - set(VARIABLE.findall(PAGE)) == set()


def _settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _settings(kind, f"{prefix}{name}.")
        else:
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            yield f"{prefix}{name}", str(default) if isinstance(default, Path) else default
