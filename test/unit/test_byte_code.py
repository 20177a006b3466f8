"""Test files that are compiled before they are collected."""

import os
from pathlib import Path

import pytest
from _pytest.assertion import rewrite

from kit.byte_code import rewrite_assertions


def test_rewritten_file_is_what_pytest_loads(
    tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test_example.py"
    path.write_text("assert 1 == 1\n", encoding="utf-8")
    rewrite_assertions([path], pytestconfig)
    (written,) = (tmp_path / "__pycache__").iterdir()
    code = rewrite._read_pyc(path, written)
    assert code is not None and "@pytest_ar" in code.co_names

    monkeypatch.setattr(rewrite, "_rewrite_test", None)  # What is up to date is not rewritten.
    rewrite_assertions([path], pytestconfig)
    os.utime(path)
    rewrite_assertions([path], pytestconfig)
    path.write_text("assert 2 == 2\n", encoding="utf-8")
    with pytest.raises(TypeError):
        rewrite_assertions([path], pytestconfig)
