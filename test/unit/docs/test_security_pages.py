"""The security model names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODEL = (ROOT / "docs/security-model.md").read_text(encoding="utf-8")
TESTS = sorted(set(re.findall(r"`(test/[\w/.]+)`", MODEL)))


def test_the_model_names_tests() -> None:
    assert len(TESTS) > 10


@pytest.mark.parametrize("path", TESTS)
def test_tests_of_the_model_exist(path: str) -> None:
    assert (ROOT / path).exists()
