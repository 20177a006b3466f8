"""Scenarios of timed inputs: their events, refused lines, and runs that are saved and continued."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from kit.generators.tapes import SYMBOL, write_tapes
from oms.adapters.paper.market_data.json_inputs import INPUT_TYPES
from oms.adapters.paper.scenario import ScenarioRunner
from oms.domain.account import Account, Environment, PaperSettings, PositionMode, ReplaySettings
from oms.domain.errors import Invalid
from oms.simulation.events import Accepted, Canceled, Deposited, Filled

AT = 1_723_161_254_000


def make_runner(tmp_path: Path, saved: str | None = None, **paper: Any) -> ScenarioRunner:
    account = Account(
        id=1,
        exchange_id="paper.binance",
        label="script",
        position_mode=PositionMode.NETTING,
        environment=Environment.PAPER,
        paper=PaperSettings(**({"source": "manual"} | paper)),
    )
    return ScenarioRunner(account, tmp_path, saved)


def a_place(number: int, after: int = 0, **changes: Any) -> dict[str, Any]:
    fields = {
        "at": AT + after,
        "do": "place",
        "client_id": str(number),
        "symbol": SYMBOL,
        "side": "buy",
        "order_type": "limit",
        "qty": "0.1",
        "price": "99",
    }
    return fields | changes


QUOTE = {"at": AT, "do": "quote", "symbol": SYMBOL, "bid": "100", "ask": 101}


def test_a_scenario_returns_its_events(tmp_path: Path) -> None:
    runner = make_runner(tmp_path)
    cancel = {"at": AT + 2, "do": "cancel", "client_id": "1", "symbol": SYMBOL}
    deposit = {"at": "2024-08-08T23:54:15Z", "do": "deposit", "currency": "BTC", "amount": 1}
    market = a_place(2, 1, order_type="market", price=None)
    facts = runner.run([QUOTE, a_place(1), market, cancel, deposit])
    kinds = [Accepted, Accepted, Filled, Canceled, Deposited]
    assert [type(fact) for fact in facts] == kinds
    assert (runner.lines, runner.event_count) == (5, 5)


def test_nested_values_of_an_input(tmp_path: Path) -> None:
    runner = make_runner(tmp_path)
    first = a_place(1, price="110", side="sell", qty="0.1")
    second = a_place(2, side="sell", order_type="stop_market", price=None)
    second["terms"] = {"trigger_price": "90", "trigger_by": "mark"}
    for half in (first, second):
        del half["at"], half["do"]  # the pair has them
    buy = a_place(3, order_type="market", price=None, qty="0.2")
    pair = {"at": AT + 1, "do": "place_pair", "first": first, "second": second}
    facts = runner.run([QUOTE, buy, pair])
    assert [type(fact) for fact in facts] == [Accepted, Filled, Accepted, Accepted]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"at": AT, "do": "dance"}, "none of"),
        ({"do": "clock"}, "at is missing"),
        ({"at": "soon", "do": "clock"}, "at: "),
        (a_place(1, symbol="NOPE/USDT"), "not traded here"),
        (a_place(1, side="up"), "side: "),
        (a_place(1, qty="much"), "qty: "),
        (a_place(1, qty=1.5), "qty: "),
        (a_place(1, qty="0"), "above 0"),
        (a_place(1, colour="red"), "there is no key 'colour'"),
        (a_place(1, terms={"colour": True}), "terms: there is no key"),
        ({**QUOTE, "at": AT - 1}, "before the previous line"),
        ({**QUOTE, "ask": True}, "ask: "),
        ({"at": AT, "do": "book", "symbol": SYMBOL, "bids": 7, "asks": []}, "bids: "),
        ({"at": AT, "do": "book", "symbol": SYMBOL, "bids": [["1"]], "asks": []}, "bids: "),
    ],
)
def test_invalid_lines_are_refused_with_their_number(
    tmp_path: Path, line: dict[str, Any], message: str
) -> None:
    with pytest.raises(Invalid, match=f"^line 2: .*{message}"):
        make_runner(tmp_path).run([QUOTE, line])


def _hash(runner: ScenarioRunner, lines: Iterable[dict[str, Any]]) -> str:
    runner.run(lines)
    return runner.state_hash()


@pytest.mark.parametrize("source", ["walk", "replay"])
def test_a_run_can_be_saved_and_continued_anywhere(tmp_path: Path, source: str) -> None:
    replay = ReplaySettings(file=write_tapes(tmp_path, seconds=40), loop=True)
    paper = {"source": source, "seed": 42, "replay": replay}
    lines: list[dict[str, Any]] = []
    for number in range(1, 40):
        at = number * 1730
        market = {"order_type": "market", "price": None, "qty": "0.01"}
        side = "sell" if number % 3 == 2 else "buy"
        lines.append(a_place(number, at, side=side, **(market if number % 2 else {})))
        lines.append({"at": AT + at + 40, "do": "clock"})
    whole = make_runner(tmp_path, **paper)
    end = _hash(whole, lines)
    assert whole.event_count > 50
    for cut in (1, 17, 40, 77):
        first = make_runner(tmp_path, **paper)
        first.run(lines[:cut])
        second = make_runner(tmp_path, first.dump(), **paper)
        assert _hash(second, lines[cut:]) == end
        assert (second.lines, second.event_count) == (whole.lines, whole.event_count)


def test_every_input_has_a_json_line(tmp_path: Path) -> None:
    contract = "BTC/USDT:USDT"
    lines: list[dict[str, Any]] = [
        QUOTE | {"symbol": contract},
        {"do": "book", "symbol": SYMBOL, "bids": [["99", None]], "asks": [["100", "1.5"]]},
        {"do": "mark", "symbol": contract, "price": "100"},
        {"do": "funding", "symbol": contract, "rate": "-0.0001"},
        {"do": "set_leverage", "symbol": contract, "leverage": 5},
        {"do": "set_margin_mode", "symbol": contract, "mode": "isolated"},
        {"do": "print", "symbol": SYMBOL, "price": "99.5", "qty": "1", "side": "buy"},
        {
            "do": "candle",
            "symbol": SYMBOL,
            "open": 99,
            "high": 100,
            "low": 98,
            "close": 99,
            "volume": 5,
        },
        a_place(1),
        a_place(2, terms={"time_in_force": "GTD", "expires_at": AT + 60_000}),
        {"do": "change", "symbol": SYMBOL, "client_id": "1", "price": "90"},
        {"do": "cancel", "symbol": SYMBOL, "client_id": "1"},
        {"do": "ask", "client_id": "1"},
        {"do": "place_pair", "first": a_pair_half(3), "second": a_pair_half(4)},
        {"do": "deposit", "currency": "EUR", "amount": 2},
        {"do": "withdraw", "currency": "EUR", "amount": 1},
        {"do": "clock"},
        {"do": "reset", "balances": [["USDT", "7"]]},
    ]
    runner = make_runner(tmp_path)
    runner.run({"at": AT, **line} for line in lines)
    assert {line["do"] for line in lines} == INPUT_TYPES.keys()
    balances = runner.engine.state.balances
    assert {name: balance.total for name, balance in balances.items() if balance.total} == {
        "USDT": 7
    }


def a_pair_half(number: int) -> dict[str, Any]:
    return {key: item for key, item in a_place(number).items() if key not in ("at", "do")}
