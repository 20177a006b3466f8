"""A reference ledger in exact fractions, written from the rules alone; shares no code with ours.

It takes facts in any order and replays all of them on ``replay``: by time, then length of the trade
id, then trade id. The only rounded value is the fee share of each leg except the last of a trade
with several legs.
"""

from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from typing import Any

ZERO = Fraction(0)
#: An order; ``ticket``: name of a position; ``elsewhere``: sent by another program or a person.
_ORDER_FIELDS = "sign strategy ticket reduce_only new_position elsewhere sent"
OracleOrder = namedtuple("OracleOrder", _ORDER_FIELDS, defaults=(0, 0, False, False, False, 0))
#: A trade, reported at the time ``seen``.
OracleTrade = namedtuple("OracleTrade", "at order_id q p fee currency seen", defaults=(None, "", 0))
#: A close-by of position ``one`` by ``two`` or, without quantity, a merge of ``one`` into ``two``.
OracleMove = namedtuple("OracleMove", "at one two q", defaults=(None,))
#: The effect of a fact on a position; ``value`` is its price in value space. Without a position:
#: coins that were sold beyond what positions held.
OracleEntry = namedtuple(
    "OracleEntry", "fact position entry d value profit fee", defaults=(ZERO, None)
)


@dataclass(eq=False)
class OraclePosition:
    """A position: signed quantity ``q``, and cost ``c`` in value space."""

    strategy: int
    sign: int
    opened: Any
    flipped: "OraclePosition | None" = None
    name: int = 0
    q: Fraction = ZERO
    c: Fraction = ZERO
    average: Fraction = ZERO
    most: Fraction = ZERO
    closed: Any = None
    merged: "OraclePosition | None" = None


@dataclass
class Oracle:
    """All facts of one account and symbol by id, and the book derived from them."""

    mode: str
    kind: str
    size: Fraction
    base: str
    orders: dict[int, OracleOrder] = field(default_factory=dict)
    trades: dict[str, OracleTrade] = field(default_factory=dict)
    busted: dict[str, bool] = field(default_factory=dict)
    moves: dict[str, OracleMove] = field(default_factory=dict)
    #: Name of the position that each trade entered when it was reported first.
    position_names: dict[str, int] = field(default_factory=dict)
    #: Names of the positions that were new when a replay moved the trade to them.
    further_names: dict[str, tuple[int, ...]] = field(default_factory=dict)
    new_names: Iterator[int] = field(default_factory=lambda: count(1))

    def v(self, number: Fraction) -> Fraction:
        return -1 / number if self.kind == "inverse" else number

    def replay(self) -> None:
        """Replay all facts. A name means the positions that the trades which had it enter now."""
        self.positions, self.parts = list[OraclePosition](), list[OracleEntry]()
        self.claimed, self.names = set[int](), dict[int, list[tuple[str, OraclePosition]]]()
        self.holders = dict[int, OraclePosition]()
        trades = {i: trade for i, trade in self.trades.items() if i not in self.busted}
        facts: dict[str, OracleTrade | OracleMove] = {**trades, **self.moves}
        for i, fact in sorted(facts.items(), key=lambda one: (one[1].at, len(one[0]), one[0])):
            self._trade(i, fact) if isinstance(fact, OracleTrade) else self._move(i, fact)
        entries = {part.fact: part.position for part in self.parts if part.entry == "in"}
        for i, p in entries.items():
            for name in self.further_names.get(i, ()):
                self._claim(p, name)
        for p in self.positions:
            p.name = p.name or next(self.new_names)
        for i, p in entries.items():
            if i in self.position_names and p.name not in self.claimed:
                self.further_names[i] = (*self.further_names.get(i, ()), p.name)
            self.position_names.setdefault(i, p.name)

    def _claim(self, p: OraclePosition, name: int) -> None:
        if name and not p.name and name not in self.claimed:
            p.name = name
            self.claimed.add(name)

    def _trade(self, i: str, t: OracleTrade) -> None:
        order, position = self.orders[t.order_id], None
        cuts = list[tuple[OraclePosition, Fraction]]()
        in_base = self.kind == "spot" and t.currency == self.base
        rest = whole = order.sign * t.q - (t.fee or 0) * in_base
        is_sale = self._is_sale(order)
        for position in self._affected_positions(t.order_id, order):
            if not rest or position.q * rest > 0:
                break
            cuts.append((position, rest if abs(rest) < abs(position.q) else -position.q))
            rest -= cuts[-1][1]
            position = None
        if rest and position is None and not is_sale:
            flipped = cuts[-1][0] if cuts and self.mode != "hedge" else None
            position = OraclePosition(order.strategy, 1 if rest > 0 else -1, t.at, flipped)
            self.positions.append(position)
        cuts += [(position, rest)] if rest and (position or is_sale) else []
        left = t.fee
        for n, (position, d) in enumerate(cuts, 1):
            fee = left
            if t.fee is not None and left is not None and n < len(cuts):
                fee = Fraction(round(t.fee * d / whole * 10**18), 10**18)
                left -= fee
            entry = "in" if position and position.q * d >= 0 else "out"
            self._part(OracleEntry(i, position, entry, d, self.v(t.p), ZERO, fee), t.at)
        for position, _ in cuts:
            if position:
                self.holders[t.order_id] = position

    def _is_sale(self, order: OracleOrder) -> bool:
        """A sale of coins that only closes: spot has no short."""
        return self.kind == "spot" and order.sign < 0 and order.reduce_only

    def _affected_positions(self, order_id: int, order: OracleOrder) -> list[OraclePosition]:
        """The positions that a trade of the order reduces, in order, up to one that it adds to."""
        live = [p for p in self.positions if p.q]
        is_sale = self._is_sale(order)
        live = [p for p in live if not is_sale or p.q > 0]
        if self.mode != "hedge":
            return [p for p in live if self.mode == "netting" or p.strategy == order.strategy]
        tickets = self._tickets(order.ticket, order.sent)
        holder = [self._final(p) for p in [self.holders.get(order_id)] if p]
        mine = [p for p in live if p.strategy == order.strategy and p not in holder]
        if order.reduce_only:
            own = [p for p in dict.fromkeys([*holder, *tickets]) if p in live]
            own.sort(key=lambda p: p.sign == order.sign)
            if is_sale and order.elsewhere and not order.strategy:
                mine += [p for p in live if p.strategy and p not in holder]
            return own if order.ticket else own + [p for p in mine if p.sign != order.sign]
        own = [p for p in holder or [*tickets][:1] if p.q]
        if own or (order.new_position and not holder):
            return own
        return [p for p in mine if p.sign == order.sign][-1:]

    def _tickets(self, name: int, sent: Any = None) -> list[OraclePosition]:
        """What a name means, in an order by trades seen before it if any is left; open first."""
        named = self.names.get(name, []) if name else []
        known = [one for one in named if sent is not None and self.trades[one[0]].seen < sent]
        entered = sorted((p for _, p in known or named), key=lambda p: p.name != name)
        return sorted(dict.fromkeys(map(self._final, entered)), key=lambda p: not p.q)

    def _final(self, p: OraclePosition) -> OraclePosition:
        return p if p.merged is None else self._final(p.merged)

    def _part(self, part: OracleEntry, at: int) -> None:
        p, name = part.position, self.position_names.get(part.fact, 0)
        if p is None:
            pass
        elif part.entry == "in":
            p.q, p.c = p.q + part.d, p.c + part.d * part.value
            p.average, p.most = self.v(p.c / p.q), max(p.most, abs(p.q))
            self._claim(p, name)
            for each in (name, *self.further_names.get(part.fact, ())):
                self.names.setdefault(each, []).append((part.fact, p))
        else:
            part = part._replace(profit=self.size * (p.c / p.q - part.value) * part.d)
            p.q, p.c = p.q + part.d, p.c + p.c / p.q * part.d
            p.closed = None if p.q else at
        self.parts.append(part)

    def _move(self, i: str, move: OracleMove) -> None:
        a, b = ([*self._tickets(one), None][0] for one in (move.one, move.two))
        if not (a and b and a.q and b.q) or a is b or (a.sign == b.sign) == bool(move.q):
            raise LookupError(i)
        if move.q is None:
            b.q, b.c, a.q, a.c, a.merged, a.closed = b.q + a.q, b.c + a.c, ZERO, ZERO, b, move.at
            b.average, b.most = self.v(b.c / b.q), max(b.most, abs(b.q))
        elif move.q > min(abs(a.q), abs(b.q)):
            raise LookupError(i)
        else:
            value = b.c / b.q
            for p in (a, b):
                self._part(OracleEntry(i, p, "out_by", -p.sign * move.q, value), move.at)
