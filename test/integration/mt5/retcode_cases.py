"""Requests and states, and the rows of docs/reference/mt5.md that say their return codes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mt5_driver as mt5
from kit.gateway.metatrader import MetaTraderGateway

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "mt5.md"
DEAL = {
    "action": mt5.TRADE_ACTION_DEAL,
    "symbol": "BTCUSD",
    "volume": 0.02,
    "type": mt5.ORDER_TYPE_BUY,
    "type_filling": mt5.ORDER_FILLING_IOC,
}
PENDING = {
    "action": mt5.TRADE_ACTION_PENDING,
    "symbol": "BTCUSD",
    "volume": 0.02,
    "type": mt5.ORDER_TYPE_BUY_LIMIT,
    "price": 40000.0,
}
SELL = {"type": mt5.ORDER_TYPE_SELL}
LEVELS = {"action": mt5.TRADE_ACTION_SLTP, "symbol": "BTCUSD"}
PAST = 1_600_000_000
FUTURE = 4_000_000_000


class State:
    """What is there before a request: flat, a position, a pending order."""

    def __init__(self, gateway: MetaTraderGateway, account: str) -> None:
        self.gateway = gateway
        self.account = account
        self.ticket = 0

    def bought(self) -> None:
        self.ticket = self._send(DEAL)

    def resting(self) -> None:
        self.ticket = self._send(PENDING)

    def resting_close(self) -> None:
        self.bought()
        (position,) = self.gateway.request(
            "GET", f"/oms/positions/open?account_ids={self.gateway.accounts[self.account]}"
        )["items"]
        terms = {"order_type": "limit", "price": "60000"}
        self.gateway.command(self.account, "close_position", position_id=position["id"], **terms)

    def canceled(self) -> None:
        self.resting()
        mt5.order_send({"action": mt5.TRADE_ACTION_REMOVE, "order": self.ticket})

    def flat(self) -> None:
        pass

    def _send(self, request: dict[str, Any]) -> int:
        result = mt5.order_send(request)
        assert result is not None and result.retcode == mt5.TRADE_RETCODE_DONE, result
        return int(result.order)


@dataclass(frozen=True)
class Case:
    """A request in a state; ``row`` is the row of the page that says its retcode."""

    name: str
    row: str
    request: dict[str, Any]
    before: Callable[[State], None] = State.flat
    #: The field that gets the ticket of what was there before.
    ticket: str = ""
    modes: tuple[str, ...] = ("netting", "hedge")


CASES = [
    Case("buy", "done", DEAL),
    Case("buy, whole or nothing", "done", DEAL | {"type_filling": mt5.ORDER_FILLING_FOK}),
    Case("buy, the rest may stay", "done", DEAL | {"type_filling": mt5.ORDER_FILLING_RETURN}),
    Case("no volume", "volume", DEAL | {"volume": 0.0}),
    Case("volume between steps", "volume", DEAL | {"volume": 0.0205}),
    Case("too much money", "insufficient_funds", DEAL | {"volume": 10000.0}),
    Case("unknown symbol", "symbol", DEAL | {"symbol": "XAUUSD"}),
    Case("unknown action", "action", DEAL | {"action": 3}),
    Case("levels on the wrong side", "reason invalid_stops", DEAL | {"sl": 60000.0}),
    Case("book or cancel at the market", "filling", DEAL | {"type_filling": 3}),
    Case("a pending type as a deal", "type", DEAL | {"type": mt5.ORDER_TYPE_BUY_STOP}),
    Case("a symbol without a price", "exchange_rejected", DEAL | {"symbol": "ETHUSD"}),
    Case("close", "done", DEAL | SELL, State.bought, "position"),
    Case("close a half", "done", DEAL | SELL | {"volume": 0.01}, State.bought, "position"),
    Case(
        "close too much",
        "invalid_close_volume",
        DEAL | SELL | {"volume": 0.03},
        State.bought,
        "position",
    ),
    Case("close on the same side", "side", DEAL, State.bought, "position"),
    Case("close nothing", "no position", DEAL | SELL | {"position": 987654}),
    Case(
        "close while a close rests",
        "position_close_in_progress",
        DEAL | SELL,
        State.resting_close,
        "position",
    ),
    Case("buy limit", "done", PENDING),
    Case("buy limit, post only", "done", PENDING | {"type_filling": mt5.ORDER_FILLING_BOC}),
    Case("buy stop", "done", PENDING | {"type": mt5.ORDER_TYPE_BUY_STOP, "price": 60000.0}),
    Case(
        "sell stop limit",
        "done",
        PENDING | {"type": mt5.ORDER_TYPE_SELL_STOP_LIMIT, "price": 45000.0, "stoplimit": 46000.0},
    ),
    Case(
        "good until a time",
        "done",
        PENDING | {"type_time": mt5.ORDER_TIME_SPECIFIED, "expiration": FUTURE},
    ),
    Case("good for the day", "done", PENDING | {"type_time": mt5.ORDER_TIME_DAY}),
    Case(
        "good for a coming day",
        "done",
        PENDING | {"type_time": mt5.ORDER_TIME_SPECIFIED_DAY, "expiration": FUTURE},
    ),
    Case("an unknown kind of expiration", "expiration", PENDING | {"type_time": 4}),
    Case("limit beyond the market", "price", PENDING | {"price": 60000.0}),
    Case("stop behind the market", "price", PENDING | {"type": mt5.ORDER_TYPE_BUY_STOP}),
    Case("limit without a price", "price", PENDING | {"price": 0.0}),
    Case(
        "stop limit without a limit",
        "price",
        PENDING | {"type": mt5.ORDER_TYPE_BUY_STOP_LIMIT, "price": 60000.0},
    ),
    Case(
        "stop limit beyond its price",
        "price",
        PENDING | {"type": 6, "price": 60000.0, "stoplimit": 61000.0},
    ),
    Case(
        "expired",
        "expiration",
        PENDING | {"type_time": mt5.ORDER_TIME_SPECIFIED, "expiration": PAST},
    ),
    Case("a market type as pending", "type", PENDING | {"type": mt5.ORDER_TYPE_BUY}),
    Case("set levels", "done", LEVELS | {"sl": 40000.0, "tp": 60000.0}, State.bought, "position"),
    Case("levels as they are", "unchanged", LEVELS, State.bought, "position"),
    Case("levels of nothing", "no position", LEVELS | {"sl": 40000.0}),
    Case(
        "wrong levels", "reason invalid_stops", LEVELS | {"sl": 60000.0}, State.bought, "position"
    ),
    Case("move an order", "done", {"action": 7, "price": 41000.0}, State.resting, "order"),
    Case(
        "give an order levels",
        "done",
        {"action": 7, "price": 40000.0, "sl": 30000.0},
        State.resting,
        "order",
    ),
    Case("leave an order", "unchanged", {"action": 7, "price": 40000.0}, State.resting, "order"),
    Case("move no order", "no order", {"action": 7, "order": 987654, "price": 1.0}),
    Case(
        "move a canceled order",
        "invalid_order_state",
        {"action": 7, "price": 41000.0},
        State.canceled,
        "order",
    ),
    Case("remove", "done", {"action": 8}, State.resting, "order"),
    Case("remove twice", "invalid_order_state", {"action": 8}, State.canceled, "order"),
    Case("remove no order", "order_not_found", {"action": 8, "order": 987654}),
    Case("remove without an order", "no order", {"action": 8}),
    Case(
        "close by nothing",
        "no position",
        {"action": 10, "position_by": 987654},
        State.bought,
        "position",
    ),
    Case("close by itself", "validation_error", {"action": 10}, State.bought, "both"),
]


def own_words() -> set[str]:
    """Returns the words of the page for what the driver refuses itself."""
    return set(re.findall(r"\*\*([\w ]+)\*\*: ", PAGE.read_text()))


def documented() -> dict[str, int]:
    """Returns the return codes of the page.

    Keys are the words of commands, codes, ``reason`` with the reason, and the driver's own words.
    """
    text, codes = PAGE.read_text(), dict[str, int]()
    for words, value in re.findall(r"^\| ([a-z][\w ,]+) \| (100\d\d) \| `\w+` \|$", text, re.M):
        codes[words] = int(value)
    for value, cell in re.findall(r"^\| (\d{5}) \| `\w+` \| (.+) \|$", text, re.M):
        for word, code in re.findall(r"(reason )?`(\w+)`", cell):
            codes[f"{word}{code}"] = int(value)
        for word in re.findall(r"\*\*([\w ]+)\*\*", cell):
            codes[word] = int(value)
    return codes
