"""Output: JSON for programs, tables on a terminal."""

import json
import sys

import pytest

from oms.cli.output import emit, table

ROWS = [
    {"id": 1, "symbol": "BTC/USDT", "fees": {}, "note": None},
    {"id": 20, "symbol": "ETH/USDT", "fees": {}, "note": None},
]


def test_json_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"items": ROWS}, as_json=False)
    text = capsys.readouterr().out
    assert json.loads(text) == {"items": ROWS}
    assert text.startswith('{\n  "items"')


def test_a_table_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    emit({"items": ROWS}, as_json=False)
    assert capsys.readouterr().out == "id  symbol\n1   BTC/USDT\n20  ETH/USDT\n"
    emit({"items": []}, as_json=False)
    assert capsys.readouterr().out == "nothing\n"
    emit({"ok": True, "user": {"id": 3, "name": "ann"}}, as_json=False)
    assert capsys.readouterr().out == "ok: true\nuser:\n  id: 3\n  name: ann\n"


def test_nested_list_of_objects_is_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    checks = [{"name": "clock", "ok": True, "more": []}, {"name": "keys", "ok": False, "why": "x"}]
    emit({"ok": False, "checks": checks, "ids": [1, 2]}, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "ok: false",
        "checks:",
        "  name   ok     why",
        "  clock  true",
        "  keys   false  x",
        "ids: [1, 2]",
    ]


def test_json_flag_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    emit({"ok": True}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"ok": True}


def test_table_keeps_partly_filled_columns() -> None:
    rows = [{"a": None, "b": {"x": "1"}}, {"a": 0, "b": {}}]
    assert table(rows).splitlines() == ["a  b", '   {"x": "1"}', "0  {}"]
