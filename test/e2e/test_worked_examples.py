"""The worked examples of ``anchors/ledger.txt`` over HTTP, on paper with manual prices."""

import json
from decimal import Decimal
from typing import Any, assert_never

import pytest
from kit.gateway import Gateway

from kit.anchors import Example, Expectation, Step, examples
from kit.http import call, get
from kit.sql import change


@pytest.mark.parametrize("example", examples(), ids=lambda example: f"example-{example.number}")
def test_worked_example(gateway: Gateway, example: Example) -> None:
    run = _Run(gateway, example)
    for line in example.lines:
        match line:
            case Step():
                run.trade(line)
            case Expectation():
                run.check(*line.words)
            case _:
                assert_never(line)
    assert run.checked, "an example expects something"


class _Run:
    def __init__(self, gateway: Gateway, example: Example) -> None:
        self.gateway = gateway
        self.example = example
        (self.account_id,) = gateway.add_accounts(1, position_mode=example.mode)
        self._prepare()
        self.named: dict[str, int] = {}
        self.last_deals: list[dict[str, Any]] = []
        self.checked = 0

    def trade(self, step: Step) -> None:
        payload = {
            "symbol": self.example.symbol,
            "side": step.side,
            "order_type": "limit" if step.maker else "market",
            "qty": str(step.qty),
            "strategy_id": self._strategy(step.strategy_id),
            "position_id": self.named[step.ticket] if step.ticket else 0,
        }
        if step.maker:  # rests beside the market until the price comes
            payload["price"] = str(step.price)
            away = step.price - 1 if step.side == "sell" else step.price + 1
            self._set_price(away)
            order_id = self._send(payload)["order_id"]
            self._set_price(step.price)
        else:
            self._set_price(step.price)
            order_id = self._send(payload)["order_id"]
        path = f"/oms/deals?account_ids={self.account_id}&order_id={order_id}&cursor="
        self.last_deals = get(self.gateway, path)["items"]
        if step.name:
            self.named[step.name] = self.last_deals[-1]["position_id"]

    def check(self, what: str, *words: str) -> None:
        self.checked += 1
        match what:
            case "flat":
                path = f"/oms/positions/open?account_ids={self.account_id}"
                assert get(self.gateway, path)["items"] == []
            case "profit":
                assert sum(Decimal(deal["pnl"]) for deal in self.last_deals) == Decimal(words[0])
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
            case name:
                state, side, qty, avg, price = words
                row = self._position(name)
                told = (row["state"], row["side"], row["qty"], "avg", row["avg_price"])
                assert told == (state, side, qty, avg, price)

    def _prepare(self) -> None:
        """Manual prices, the example's fees, and its strategies."""
        paper = {
            "source": "manual",
            "commission": {"maker": str(self.example.maker), "taker": str(self.example.taker)},
            "balances": {"USDT": "1000000"},
        }
        config = json.dumps({"oms": {"paper": paper}})
        now = "'2026-01-01 00:00:00'"
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
        change(self.gateway.dsn, *statements)

    def _strategy(self, number: int) -> int:
        return 0 if number == 0 else self.account_id * 100 + number

    def _set_price(self, price: Decimal) -> None:
        body = {"account_id": self.account_id, "symbol": self.example.symbol, "price": str(price)}
        status, answer, _ = call(self.gateway, "POST", "/paper/price", body)
        assert status == 200, answer

    def _send(self, payload: dict[str, Any]) -> dict[str, Any]:
        command = {"account_id": self.account_id, "command": "send_order", "payload": payload}
        status, answer, _ = call(self.gateway, "POST", "/oms/commands", command)
        assert status == 200, answer
        return dict(answer["results"][0])

    def _position(self, name: str) -> dict[str, Any]:
        is_last = name == "last"
        return self._position_by_id(
            self.last_deals[-1]["position_id"] if is_last else self.named[name]
        )

    def _position_by_id(self, position_id: int) -> dict[str, Any]:
        (row,) = get(self.gateway, f"/oms/positions/{position_id}")["items"]
        return dict(row)
