"""The worked examples of ``anchors/ledger.txt`` over HTTP, on paper with manual prices.

Left out are two: no paper exchange over-closes (8), and none lists an inverse contract of size 1
(11). The refusal at the beginning of example 8 is played.
"""

import json
import secrets
from collections.abc import Iterator
from decimal import Decimal
from itertools import takewhile
from typing import Any

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.sql import execute, stored_time
from kit.gateway.processes import Gateway, run_gateway
from kit.http.client import call, get
from kit.ledger.worked_examples import (
    ExampleCloseBy,
    ExampleOrder,
    Expectation,
    WorkedExample,
    load_examples,
    parse_expected_position,
    play,
)

PLAYED = [example for example in load_examples() if example.number != "11"]


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """``oms up`` on either database."""
    folder = tmp_path_factory.mktemp("gateway")
    if request.param == "sqlite":
        running = Gateway(folder)
    else:
        server: PrivateMariaDB = request.getfixturevalue("mariadb")
        name = f"oms_{secrets.token_hex(4)}"
        server.create_database(name)
        running = Gateway(folder, mariadb=server, dsn=server.dsn(name, driver="asyncmy"))
    with run_gateway(running):
        yield running


@pytest.fixture(scope="module")
def accounts(gateway: Gateway) -> dict[str, int]:
    """An account for each example, by its number."""
    made: dict[str, int] = {}
    for mode in ("netting", "strategy_netting", "hedge"):
        mine = [example.number for example in PLAYED if example.mode == mode]
        ids = gateway.add_accounts(len(mine), position_mode=mode)
        made |= zip(mine, ids, strict=True)
    return made


@pytest.mark.parametrize("example", PLAYED, ids=lambda example: f"example-{example.number}")
def test_worked_example(gateway: Gateway, accounts: dict[str, int], example: WorkedExample) -> None:
    run = _Run(gateway, accounts[example.number], example)
    play(takewhile(_is_played, example.lines), run)


def test_the_books_of_all_examples_hold(gateway: Gateway) -> None:
    report = gateway.verify()
    assert report["ok"], report


def _is_played(line: ExampleOrder | ExampleCloseBy | Expectation) -> bool:
    return not (isinstance(line, ExampleOrder) and line.external)


class _Run:
    def __init__(self, gateway: Gateway, account_id: int, example: WorkedExample) -> None:
        self.gateway = gateway
        self.example = example
        self.account_id = account_id
        self._prepare()
        self.named: dict[str, int] = {}
        self.last_deals: list[dict[str, Any]] = []
        self.checked = 0

    def trade(self, step: ExampleOrder) -> None:
        payload = {
            "symbol": self.example.symbol,
            "side": step.side,
            "order_type": "limit" if step.maker else "market",
            "qty": str(step.qty),
            "strategy_id": self._strategy(step.strategy_id),
            "position_id": self.named[step.ticket] if step.ticket else 0,
        }
        if step.maker:  # Rests beside the market until the price reaches it.
            payload["price"] = str(step.price)
            away = step.price - 1 if step.side == "sell" else step.price + 1
            self._set_price(away)
            order_id = self._run("send_order", payload)["order_id"]
            self._set_price(step.price)
        else:
            self._set_price(step.price)
            if step.refused is not None:
                self._refuse(payload, step.refused)
                return
            order_id = self._run("send_order", payload)["order_id"]
        path = f"/oms/deals?account_ids={self.account_id}&order_id={order_id}&cursor="
        self.last_deals = get(self.gateway, path)["items"]
        if step.name:
            self.named[step.name] = self.last_deals[-1]["position_id"]

    def close_by(self, step: ExampleCloseBy) -> None:
        a, b = self.named[step.a], self.named[step.b]
        payload = {"position_id_a": a, "position_id_b": b, "qty": str(step.qty)}
        done = self._run("close_by", payload)
        command = get(self.gateway, f"/oms/commands/{done['command_id']}")
        ids = ",".join(map(str, command["deal_ids"]))
        legs = get(self.gateway, f"/oms/deals/{ids}")["items"]
        self.last_deals = sorted(legs, key=lambda deal: int(deal["id"]))
        assert [deal["entry"] for deal in self.last_deals] == ["out_by", "out_by"]
        assert [deal["position_id"] for deal in self.last_deals] == [a, b]

    def check(self, what: str, *words: str) -> None:
        self.checked += 1
        match what:
            case "flat":
                path = f"/oms/positions/open?account_ids={self.account_id}"
                assert get(self.gateway, path)["items"] == []
            case "profit":
                profits = [Decimal(deal["pnl"]) for deal in self.last_deals]
                actual = profits if len(words) > 1 else [sum(profits)]
                assert actual == [Decimal(word) for word in words]
            case "fees":
                assert tuple(deal["fee"] for deal in self.last_deals) == words
            case "realized":
                path = f"/oms/positions/history?account_ids={self.account_id}&cursor="
                items = get(self.gateway, path)["items"]
                assert sum(Decimal(p["realized_pnl"]) for p in items) == Decimal(words[0])
            case "chained":
                last = self._position("last")
                before = self._position_by_id(last["previous_position_id"])
                assert last["id"] != before["id"]
                assert last["identifier"] == before["identifier"]
            case "unchained":
                last = self._position("last")
                assert (last["identifier"], last["previous_position_id"]) == (last["id"], None)
            case name:
                self._check_position(self._position(name), *words)

    def _check_position(self, row: dict[str, Any], *words: str) -> None:
        expected = parse_expected_position(words)
        actual = (row["state"], row["side"], row["qty"], row["avg_price"])
        assert actual == (expected.state, expected.side, expected.qty, expected.avg)
        fees = {currency: Decimal(fee) for currency, fee in row["fees"].items() if fee != "0"}
        if expected.profit is not None:
            paid = sum(fees.values(), Decimal(0))
            assert Decimal(row["realized_pnl"]) + paid == Decimal(expected.profit)
        if expected.fee is not None:
            assert fees == {"USDT": Decimal(expected.fee)}

    def _prepare(self) -> None:
        """Set manual prices, the example's fees, and its strategies."""
        paper = {
            "source": "manual",
            # Tickets may be short where the exchange has no short positions.
            "allow_spot_short": True,
            "commission": {"maker": str(self.example.maker), "taker": str(self.example.taker)},
            "balances": {"USDT": "1000000", "BTC": "1000000"},
        }
        config = json.dumps({"oms": {"paper": paper}})
        now = f"'{stored_time(self.gateway.dsn)}'"
        statements = [
            f"UPDATE accounts SET extra_config_json='{config}' WHERE id={self.account_id}"
        ]
        for number in (1, 2):
            strategy = self._strategy(number)
            statements += [
                "INSERT INTO strategies (id, name, status, created_at)"
                f" VALUES ({strategy}, 'example-{strategy}', 'active', {now})",
                "INSERT INTO strategy_accounts (strategy_id, account_id, status, created_at)"
                f" VALUES ({strategy}, {self.account_id}, 'active', {now})",
            ]
        execute(self.gateway.dsn, *statements)

    def _strategy(self, number: int) -> int:
        return 0 if number == 0 else self.account_id * 100 + number

    def _set_price(self, price: Decimal) -> None:
        body = {"account_id": self.account_id, "symbol": self.example.symbol, "price": str(price)}
        status, answer, _ = call(self.gateway, "POST", "/paper/price", body)
        assert status == 200, answer

    def _run(self, command: str, payload: dict[str, Any]) -> dict[str, Any]:
        status, answer = self._command(command, payload)
        assert status == 200, answer
        return dict(answer["results"][0])

    def _refuse(self, payload: dict[str, Any], code: str) -> None:
        status, answer = self._command("send_order", payload)
        assert (status, answer["detail"]["code"]) == (422, code)

    def _command(self, command: str, payload: dict[str, Any]) -> tuple[int, Any]:
        body = {"account_id": self.account_id, "command": command, "payload": payload}
        status, answer, _ = call(self.gateway, "POST", "/oms/commands", body)
        return status, answer

    def _position(self, name: str) -> dict[str, Any]:
        is_last = name == "last"
        return self._position_by_id(
            self.last_deals[-1]["position_id"] if is_last else self.named[name]
        )

    def _position_by_id(self, position_id: int) -> dict[str, Any]:
        (row,) = get(self.gateway, f"/oms/positions/{position_id}")["items"]
        return dict(row)
