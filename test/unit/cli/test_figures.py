"""The report of how positions were closed, and the table of statistics."""

import argparse
from collections.abc import Sequence
from typing import Any

import pytest

from oms.cli import figures
from oms.cli.main import parser
from oms.cli.output import render_text


def _row(result: str, reason: str | None, state: str = "closed", **more: Any) -> dict[str, Any]:
    row = {"state": state, "realized_pnl": result, "close_reason": reason, "merged_into": None}
    return row | {"symbol": "BTC/USDT:USDT"} | more


def _serve(monkeypatch: pytest.MonkeyPatch, pages: Sequence[Sequence[dict[str, Any]]]) -> list[str]:
    """Answer reads with ``pages``; returns the cursors that are sent."""
    cursors: list[str] = []

    def request(_parsed: object, _method: str, path: str, query: dict[str, Any]) -> Any:
        assert path == "/oms/positions/history"
        cursors.append(query["cursor"])
        number = len(cursors)
        following = str(number) if number < len(pages) else None
        return {"items": pages[number - 1], "next_cursor": following}

    monkeypatch.setattr(figures, "request", request)
    return cursors


def test_results_are_by_reason_over_all_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [
        [_row("10", "tp"), _row("-4", "sl"), _row("0", None, state="open")],
        [_row("5.00005", "tp"), _row("7", "merged", merged_into=3)],
        [_row("0.5", "tp", symbol="BTC/USD:BTC")],
    ]
    cursors = _serve(monkeypatch, pages)
    report = figures.exit_report(argparse.Namespace(account_ids="1"))
    assert cursors == ["", "1", "2"]
    assert report == {
        "states": {"closed": 5, "open": 1},
        "items": [
            {"close_reason": "sl", "currency": "USDT", "n": 1}
            | {"avg": "-4.0000", "min": "-4.0000", "max": "-4.0000"},
            {"close_reason": "tp", "currency": "BTC", "n": 1}
            | {"avg": "0.5000", "min": "0.5000", "max": "0.5000"},
            {"close_reason": "tp", "currency": "USDT", "n": 2}
            | {"avg": "7.5000", "min": "5.0000", "max": "10.0000"},
        ],
    }


def test_without_positions_the_report_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    _serve(monkeypatch, [[]])
    report = figures.exit_report(argparse.Namespace(account_ids="1"))
    assert report == {"states": {}, "items": []}


def test_statistics_have_four_decimals_and_a_dash_for_null() -> None:
    whole = {"closed_positions": 3, "winrate": "66.666666666666666667", "total_pnl": None}
    answer = whole | {"group_by": "symbol", "groups": [whole | {"key": "BTC/USDT"}]}
    text = render_text(figures.build_stats_view(argparse.Namespace(), answer))
    assert "66.6667" in text and "BTC/USDT" in text
    assert next(line for line in text.splitlines() if "total_pnl" in line).count("-") >= 2
    assert next(line for line in text.splitlines() if "closed_positions" in line).count("3") == 2


def test_filters_are_those_of_the_route(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    monkeypatch.setattr(figures, "request", lambda _parsed, *rest: sent.append(rest))
    line = "stats --account-ids 1 --symbol A/B --since 2026-01-01 --until 5 --group-by day"
    for words in (line, "portfolio --account-ids 1,2"):
        parsed = parser().parse_args(words.split())
        parsed.run(parsed)
    query = {
        "account_ids": "1",
        "symbol": "A/B",
        "group_by": "day",
        "from": "2026-01-01",
        "to": "5",
    }
    assert sent == [("GET", "/stats", query), ("GET", "/portfolio", {"account_ids": "1,2"})]
