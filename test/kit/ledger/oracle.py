"""A second ledger, written from the rules alone in exact fractions; it shares no code with ours.

It takes facts in any order and folds all of them anew whenever it is asked: by time, then length
of the trade id, then trade id. Nothing is rounded, but for the share of a fee that a trade which
is cut leaves with each leg except its last.
"""

from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from typing import Any

NONE = Fraction(0)
#: An order; ``ticket`` is the name of a place.
OracleOrder = namedtuple(
    "Ask", "sign strategy ticket reduce_only fresh", defaults=(0, 0, False, False)
)
OracleTrade = namedtuple("Trade", "at order q p fee currency", defaults=(None, ""))
#: A close-by of place ``one`` against ``two`` or, without quantity, a merge of ``one`` into it.
OracleMove = namedtuple("Move", "at one two q", defaults=(None,))
#: What a fact did to a place; ``value`` is its price in value space.
OracleEntry = namedtuple("Part", "fact place entry d value profit fee", defaults=(NONE, None))


@dataclass(eq=False)
class OraclePosition:
    """A position: signed quantity, and cost in value space."""

    strategy: int
    sign: int
    opened: Any
    flipped: "OraclePosition | None" = None
    name: int = 0
    q: Fraction = NONE
    c: Fraction = NONE
    average: Fraction = NONE
    most: Fraction = NONE
    closed: Any = None
    merged: "OraclePosition | None" = None


@dataclass
class Oracle:
    """All facts of one account and symbol by their ids, and the book that follows from them."""

    mode: str
    kind: str
    size: Fraction
    base: str
    asks: dict[int, OracleOrder] = field(default_factory=dict)
    trades: dict[str, OracleTrade] = field(default_factory=dict)
    busted: dict[str, bool] = field(default_factory=dict)
    moves: dict[str, OracleMove] = field(default_factory=dict)
    #: Names of the places that trades entered, as the last fold left them.
    stood: dict[str, int] = field(default_factory=dict)
    fresh: Iterator[int] = field(default_factory=lambda: count(1))

    def v(self, number: Fraction) -> Fraction:
        return -1 / number if self.kind == "inverse" else number

    def fold(self) -> None:
        """Fold every fact. A place takes the name of the place that its first entry stood in."""
        self.places, self.parts, self.names = (
            list[OraclePosition](),
            list[OracleEntry](),
            dict[int, OraclePosition](),
        )
        self.holders = dict[int, OraclePosition]()
        trades = {i: trade for i, trade in self.trades.items() if i not in self.busted}
        facts: dict[str, OracleTrade | OracleMove] = {**trades, **self.moves}
        for i, fact in sorted(facts.items(), key=lambda one: (one[1].at, len(one[0]), one[0])):
            self._trade(i, fact) if isinstance(fact, OracleTrade) else self._move(i, fact)
        for place in self.places:
            place.name = place.name or next(self.fresh)
            self.names[place.name] = place
        self.stood = {part.fact: part.place.name for part in self.parts if part.entry == "in"}

    def _trade(self, i: str, t: OracleTrade) -> None:
        ask, place, cuts = self.asks[t.order], None, list[tuple[OraclePosition, Fraction]]()
        in_base = self.kind == "spot" and t.currency == self.base
        rest = whole = ask.sign * t.q - (t.fee or 0) * in_base
        for place in self._met(t.order, ask):
            if not rest or place.q * rest > 0:
                break
            cuts.append((place, rest if abs(rest) < abs(place.q) else -place.q))
            rest -= cuts[-1][1]
            place = None
        if rest and place is None:
            flipped = cuts[-1][0] if cuts and self.mode != "hedge" else None
            place = OraclePosition(ask.strategy, 1 if rest > 0 else -1, t.at, flipped)
            self.places.append(place)
        cuts += [(place, rest)] if rest and place else []
        left = t.fee
        for n, (place, d) in enumerate(cuts, 1):
            fee = left
            if t.fee is not None and left is not None and n < len(cuts):
                fee = Fraction(round(t.fee * d / whole * 10**18), 10**18)
                left -= fee
            entry = "in" if place.q * d >= 0 else "out"
            self._part(OracleEntry(i, place, entry, d, self.v(t.p), NONE, fee), t.at)
        self.holders[t.order] = cuts[-1][0]

    def _met(self, order: int, ask: OracleOrder) -> list[OraclePosition]:
        """What a trade of the order meets, one after the other, up to one that it adds to."""
        live = [place for place in self.places if place.q]
        if self.mode != "hedge":
            return [p for p in live if self.mode == "netting" or p.strategy == ask.strategy]
        ticket = self.holders.get(order) or self.names.get(ask.ticket)
        while ticket is not None and ticket.merged is not None:
            ticket = ticket.merged
        own = [place for place in live if place is ticket]
        mine = [place for place in live if place.strategy == ask.strategy and place is not ticket]
        if ask.reduce_only or (ticket is not None and ticket.sign != ask.sign):
            return own if ask.ticket else own + [p for p in mine if p.sign != ask.sign]
        if own or (ask.fresh and order not in self.holders):
            return own
        return [place for place in mine if place.sign == ask.sign][-1:]

    def _part(self, part: OracleEntry, at: int) -> None:
        p, stood = part.place, self.stood.get(part.fact, 0)
        if part.entry == "in":
            p.q, p.c = p.q + part.d, p.c + part.d * part.value
            p.average, p.most = self.v(p.c / p.q), max(p.most, abs(p.q))
            if stood and not p.name and stood not in self.names:
                p.name, self.names[stood] = stood, p
        else:
            part = part._replace(profit=self.size * (p.c / p.q - part.value) * part.d)
            p.q, p.c = p.q + part.d, p.c + p.c / p.q * part.d
            p.closed = None if p.q else at
        self.parts.append(part)

    def _move(self, i: str, move: OracleMove) -> None:
        a, b = self.names.get(move.one), self.names.get(move.two)
        if a is None or b is None or not a.q or not b.q or (a.sign == b.sign) == bool(move.q):
            raise LookupError(i)
        if move.q is None:
            b.q, b.c, a.q, a.c, a.merged, a.closed = b.q + a.q, b.c + a.c, NONE, NONE, b, move.at
            b.average, b.most = self.v(b.c / b.q), max(b.most, abs(b.q))
        elif move.q > min(abs(a.q), abs(b.q)):
            raise LookupError(i)
        else:
            value = b.c / b.q
            for place in (a, b):
                self._part(OracleEntry(i, place, "out_by", -place.sign * move.q, value), move.at)
