"""Output: JSON for programs, tables on a terminal."""

import json
import sys

import pytest

from oms.cli.output import build_table, build_view, emit, render_text

ROWS = [
    {"id": 1, "symbol": "BTC/USDT", "fees": {}, "note": None},
    {"id": 20, "symbol": "ETH/USDT", "fees": {}, "note": None},
]


def words(text: str) -> list[list[str]]:
    """Return the words of each line, without rules and blank lines."""
    lines = (line.replace("─", "").split() for line in text.splitlines())
    return [line for line in lines if line]


def test_json_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"items": ROWS}, as_json=False)
    text = capsys.readouterr().out
    assert json.loads(text) == {"items": ROWS}
    assert text.startswith('{\n  "items"')


def test_a_table_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")  # no styles
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    emit({"items": ROWS}, as_json=False)
    table = [["id", "symbol"], ["1", "BTC/USDT"], ["20", "ETH/USDT"]]
    assert words(capsys.readouterr().out) == table
    emit({"items": []}, as_json=False)
    assert words(capsys.readouterr().out) == [["nothing"]]
    emit({"ok": True, "user": {"id": 3, "name": "ann"}}, as_json=False)
    assert words(capsys.readouterr().out) == [
        ["ok:", "true"],
        ["user:"],
        ["id:", "3"],
        ["name:", "ann"],
    ]


def test_nested_list_of_objects_is_a_table() -> None:
    checks = [{"name": "clock", "ok": True, "more": []}, {"name": "keys", "ok": False, "why": "x"}]
    text = render_text(build_view({"ok": False, "checks": checks, "ids": [1, 2]}))
    assert words(text) == [
        ["ok:", "false"],
        ["checks:"],
        ["name", "ok", "why"],
        ["clock", "true"],
        ["keys", "false", "x"],
        ["ids:", "[1,", "2]"],
    ]


def test_json_flag_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    emit({"ok": True}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"ok": True}


def test_table_keeps_partly_filled_columns() -> None:
    rows = [{"a": None, "b": {"x": "1"}}, {"a": 0, "b": {}}]
    assert words(render_text(build_table(rows))) == [["a", "b"], ['{"x":', '"1"}'], ["0", "{}"]]


def test_narrow_terminal_folds_long_values() -> None:
    text = render_text(build_table([{"key": "oms_" + "k" * 60}]), width=30)
    assert "".join(word for line in words(text)[1:] for word in line) == "oms_" + "k" * 60


def test_values_are_not_markup() -> None:
    assert "[bold]x[/bold]" in render_text(build_view({"comment": "[bold]x[/bold]"}))
