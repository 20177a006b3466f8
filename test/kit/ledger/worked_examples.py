"""Reads the worked examples of ``anchors/ledger.txt`` (the language is told at its head)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

ANCHORS = Path(__file__).parent.parent.parent / "anchors" / "ledger.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleOrder:
    """One order that fills completely at one price, or is refused."""

    strategy_id: int
    side: str
    qty: Decimal
    price: Decimal
    maker: bool
    ticket: str | None
    name: str | None
    #: The code it is refused with.
    refused: str | None
    #: Executed by the exchange though we would have refused it.
    external: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleCloseBy:
    """Two tickets close against each other."""

    a: str
    b: str
    qty: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must hold after the steps before it; ``words`` as written."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPosition:
    """An expectation of a position; ``profit`` and ``fee`` only where they are written."""

    state: str
    side: str
    qty: str
    avg: str
    profit: str | None
    fee: str | None


@dataclass(slots=True, kw_only=True)
class WorkedExample:
    """One worked example."""

    number: str
    mode: str
    symbol: str
    maker: Decimal
    taker: Decimal
    contract: Decimal
    lines: list[ExampleOrder | ExampleCloseBy | Expectation] = field(default_factory=list)


def load_examples() -> list[WorkedExample]:
    """All worked examples, in the order of the file."""
    return list(_read(ANCHORS.read_text(encoding="utf-8")))


def parse_expected_position(words: tuple[str, ...]) -> ExpectedPosition:
    """How a position is to stand: ``open buy 10 avg 100 [profit 5] [fee 0.1]``."""
    state, side, qty, avg, price, *more = words
    assert avg == "avg", words
    named = _pairs(more)
    known = ExpectedPosition(
        state=state,
        side=side,
        qty=qty,
        avg=price,
        profit=named.pop("profit", None),
        fee=named.pop("fee", None),
    )
    assert not named, words
    return known


def _read(text: str) -> Iterator[WorkedExample]:
    current: WorkedExample | None = None
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        if words[0] == "example":
            if current is not None:
                yield current
            current = _example(words)
            continue
        assert current is not None, "an example begins with its head"
        current.lines.append(_line(words))
    if current is not None:
        yield current


def _line(words: list[str]) -> ExampleOrder | ExampleCloseBy | Expectation:
    match words:
        case ["expect", *rest]:
            return Expectation(words=tuple(rest))
        case ["close_by", a, b, "qty", qty]:
            return ExampleCloseBy(a=a, b=b, qty=Decimal(qty))
        case _:
            return _step(words)


def _example(words: list[str]) -> WorkedExample:
    _, number, mode, symbol, *rates = words
    named = _pairs(rates)
    return WorkedExample(
        number=number,
        mode=mode,
        symbol=symbol,
        maker=Decimal(named.get("maker", "0")),
        taker=Decimal(named.get("taker", "0")),
        contract=Decimal(named.get("contract", "1")),
    )


def _step(words: list[str]) -> ExampleOrder:
    external = words[0] == "external"
    words = words[external:]
    strategy = 0
    if words[0][0] == "s" and words[0][1:].isdigit():
        strategy, words = int(words[0][1:]), words[1:]
    side, qty, at, price, *rest = words
    assert at == "@", words
    maker = bool(rest) and rest[0] == "maker"
    named = _pairs(rest[maker:])
    return ExampleOrder(
        strategy_id=strategy,
        side=side,
        qty=Decimal(qty),
        price=Decimal(price),
        maker=maker,
        ticket=named.get("ticket"),
        name=named.get("as"),
        refused=named.get("refused"),
        external=external,
    )


def _pairs(words: list[str]) -> dict[str, str]:
    return dict(zip(words[::2], words[1::2], strict=True))
