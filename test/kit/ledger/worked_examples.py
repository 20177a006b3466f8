"""Parses the worked examples of ``anchors/ledger.txt`` (format described at its top)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol, assert_never

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
    #: The code of its refusal.
    refused: str | None
    #: Executed at the exchange although the gateway would refuse it.
    external: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleCloseBy:
    """Two positions are closed by each other."""

    a: str
    b: str
    qty: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """An expectation after the previous steps, as its tokens."""

    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPosition:
    """An expected position; ``profit`` and ``fee`` are None where they are not stated."""

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


class ExampleRun(Protocol):
    """Something that can play an example."""

    @property
    def checked(self) -> int:
        """The number of expectations that were compared."""
        ...

    def trade(self, order: ExampleOrder) -> None:
        """Executes an order."""
        ...

    def close_by(self, line: ExampleCloseBy) -> None:
        """Closes two positions by each other."""
        ...

    def check(self, *tokens: str) -> None:
        """Compares an expectation."""
        ...


def play(lines: Iterable[ExampleOrder | ExampleCloseBy | Expectation], run: ExampleRun) -> None:
    """Plays the lines in order; at least one of them is an expectation."""
    for line in lines:
        match line:
            case ExampleOrder():
                run.trade(line)
            case ExampleCloseBy():
                run.close_by(line)
            case Expectation():
                run.check(*line.tokens)
            case _:
                assert_never(line)
    assert run.checked, "an example expects something"


def load_examples() -> list[WorkedExample]:
    """All worked examples in file order."""
    return list(_read(ANCHORS.read_text(encoding="utf-8")))


def parse_expected_position(tokens: tuple[str, ...]) -> ExpectedPosition:
    """Parses an expected position: ``open buy 10 avg 100 [profit 5] [fee 0.1]``."""
    state, side, qty, avg, price, *optional = tokens
    assert avg == "avg", tokens
    options = _parse_options(optional)
    position = ExpectedPosition(
        state=state,
        side=side,
        qty=qty,
        avg=price,
        profit=options.pop("profit", None),
        fee=options.pop("fee", None),
    )
    assert not options, tokens
    return position


def _read(text: str) -> Iterator[WorkedExample]:
    current: WorkedExample | None = None
    for line in text.splitlines():
        tokens = line.partition("#")[0].split()
        if not tokens:
            continue
        if tokens[0] == "example":
            if current is not None:
                yield current
            current = _example(tokens)
            continue
        assert current is not None, "a step before the first example"
        current.lines.append(_line(tokens))
    if current is not None:
        yield current


def _line(tokens: list[str]) -> ExampleOrder | ExampleCloseBy | Expectation:
    match tokens:
        case ["expect", *rest]:
            return Expectation(tokens=tuple(rest))
        case ["close_by", a, b, "qty", qty]:
            return ExampleCloseBy(a=a, b=b, qty=Decimal(qty))
        case _:
            return _step(tokens)


def _example(tokens: list[str]) -> WorkedExample:
    _, number, mode, symbol, *rates = tokens
    options = _parse_options(rates)
    return WorkedExample(
        number=number,
        mode=mode,
        symbol=symbol,
        maker=Decimal(options.get("maker", "0")),
        taker=Decimal(options.get("taker", "0")),
        contract=Decimal(options.get("contract", "1")),
    )


def _step(tokens: list[str]) -> ExampleOrder:
    external = tokens[0] == "external"
    tokens = tokens[external:]
    strategy = 0
    if tokens[0][0] == "s" and tokens[0][1:].isdigit():
        strategy, tokens = int(tokens[0][1:]), tokens[1:]
    side, qty, at, price, *rest = tokens
    assert at == "@", tokens
    maker = bool(rest) and rest[0] == "maker"
    options = _parse_options(rest[maker:])
    return ExampleOrder(
        strategy_id=strategy,
        side=side,
        qty=Decimal(qty),
        price=Decimal(price),
        maker=maker,
        ticket=options.get("ticket"),
        name=options.get("as"),
        refused=options.get("refused"),
        external=external,
    )


def _parse_options(tokens: list[str]) -> dict[str, str]:
    return dict(zip(tokens[::2], tokens[1::2], strict=True))
