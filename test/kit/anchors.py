"""Reads the worked examples of ``anchors/ledger.txt`` (the language is told at its head)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

ANCHORS = Path(__file__).parent.parent / "anchors" / "ledger.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One order that fills completely at one price."""

    strategy_id: int
    side: str
    qty: Decimal
    price: Decimal
    maker: bool
    ticket: str | None
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must hold after the steps before it; ``words`` as written."""

    words: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Example:
    """One worked example."""

    number: str
    mode: str
    symbol: str
    maker: Decimal
    taker: Decimal
    lines: list[Step | Expectation] = field(default_factory=list)


def examples() -> list[Example]:
    """All worked examples, in the order of the file."""
    return list(_read(ANCHORS.read_text(encoding="utf-8")))


def _read(text: str) -> Iterator[Example]:
    current: Example | None = None
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
        is_expectation = words[0] == "expect"
        current.lines.append(
            Expectation(words=tuple(words[1:])) if is_expectation else _step(words)
        )
    if current is not None:
        yield current


def _example(words: list[str]) -> Example:
    _, number, mode, symbol, *rates = words
    named = dict(zip(rates[::2], rates[1::2], strict=True))
    return Example(
        number=number,
        mode=mode,
        symbol=symbol,
        maker=Decimal(named.get("maker", "0")),
        taker=Decimal(named.get("taker", "0")),
    )


def _step(words: list[str]) -> Step:
    strategy = 0
    if words[0][0] == "s" and words[0][1:].isdigit():
        strategy = int(words.pop(0)[1:])
    side, qty, at, price, *rest = words
    assert at == "@", words
    maker = bool(rest) and rest[0] == "maker"
    named = dict(zip(rest[maker::2], rest[maker + 1 :: 2], strict=True))
    return Step(
        strategy_id=strategy,
        side=side,
        qty=Decimal(qty),
        price=Decimal(price),
        maker=maker,
        ticket=named.get("ticket"),
        name=named.get("as"),
    )
