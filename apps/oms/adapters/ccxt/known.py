"""Orders that the adapter knows: ours by their attempts, strangers by what was read of them.

A memory of this process, no truth: it says which order a name or an exchange id belongs to, and
what was told of it already. All of it can be lost and is read again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from oms.adapters.ccxt.own_names import OwnNames
from oms.domain.money import ZERO, total
from oms.domain.report import External
from oms.domain.side import Side


@dataclass(slots=True, kw_only=True)
class Known:
    """One order at the exchange; ``order_id`` 0 is a stranger, which ``external`` describes.

    An order of the ledger that is changed by being placed anew has several of these, one after the
    other; ``qty`` and ``filled`` are those of this one alone.
    """

    order_id: int
    symbol: str
    side: Side
    order_type: str
    #: The terms as the exchange is believed to hold them: quantity in base.
    qty: Decimal
    price: Decimal | None
    created_at: datetime
    #: The name of the request that placed it; ``None`` for strangers.
    client_id: str | None = None
    exchange_order_id: str | None = None
    external: External | None = None
    #: How it was placed, beside its terms: what else was asked for.
    params: Mapping[str, object] = field(default_factory=dict)
    #: Of one placed anew: the exchange's id of the first, and what those before it executed.
    first_id: str | None = None
    before: Decimal = ZERO
    #: Another one takes its place: that this one is canceled does not end the ledger's order.
    is_replacing: bool = False
    successor: "Known | None" = None
    #: How many requests about it there are.
    attempts: int = 0
    is_accepted: bool = False
    accepted_at: datetime | None = None
    is_over: bool = False
    #: It was said that it was never placed; it may turn up all the same.
    is_not_placed: bool = False
    #: Its trigger has not been met yet.
    is_waiting: bool = False
    #: It waits, or waited, under an id of its own, and what it placed has another: ``placed_id``.
    is_apart: bool = False
    placed_id: str | None = None
    #: How often a wish about it was answered (changed, or refused): put into the inbox, and
    #: heard by the worker. Each answer ends whatever the ledger believes to be wished.
    answers: int = 0
    answers_heard: int = 0
    #: A change was sent and is not answered: its terms may be others than are believed.
    is_changing: bool = False
    #: When it was looked for last because a list did not show it.
    missed_at: datetime | None = None
    #: Whether it is not known if it exists.
    is_in_doubt: bool = False
    over_at: datetime | None = None
    #: ``updated_at`` of the newest state that was taken in.
    seen_at: datetime | None = None
    #: Σ of the executions that were told, and since when more should have been.
    filled: Decimal = ZERO
    short_since: datetime | None = None
    #: Executions that were told by name, and that were inferred.
    trade_ids: set[str] = field(default_factory=set)
    inferred: Decimal = ZERO

    @property
    def told_id(self) -> str | None:
        """The exchange's id that the ledger's order bears."""
        return self.first_id or self.exchange_order_id

    @property
    def live_id(self) -> str | None:
        """The id under which it is found and executed now."""
        return self.placed_id or self.exchange_order_id

    @property
    def whole_qty(self) -> Decimal:
        """Quantity of the ledger's order."""
        return total(self.before, self.qty)

    @property
    def is_live(self) -> bool:
        """Whether it stands at the exchange and may still be executed."""
        return self.is_accepted and not self.is_over


class KnownOrders:
    """All of one account."""

    def __init__(self, names: OwnNames) -> None:
        self.names = names
        self._own: dict[int, Known] = {}
        self._by_exchange_id: dict[tuple[str, str], Known] = {}
        #: Those that have not ended, and some that have, by identity: a day's orders are many.
        self._lasting: dict[int, Known] = {}

    def add(self, known: Known) -> Known:
        """Know it from now on."""
        self._lasting[id(known)] = known
        if known.order_id:
            self._own[known.order_id] = known
        if known.exchange_order_id is not None:
            self.link(known, known.exchange_order_id)
        return known

    def link(self, known: Known, exchange_order_id: str) -> None:
        """The exchange calls the order so, too; the first of its ids stays its own."""
        if known.exchange_order_id is None:
            known.exchange_order_id = exchange_order_id
        self._by_exchange_id[known.symbol, exchange_order_id] = known
        self._lasting[id(known)] = known

    def revive(self, known: Known) -> None:
        """It was said that it was never placed, and it has turned up."""
        known.is_over, known.over_at, known.is_not_placed = False, None, False
        self._lasting[id(known)] = known

    def placed(self, known: Known, exchange_order_id: str) -> None:
        """Its trigger was met: what it placed goes by this id."""
        known.placed_id = exchange_order_id
        self.link(known, exchange_order_id)

    def promote(self, known: Known, now: datetime) -> Known:
        """The successor is the order from now on; the one before stays known by its id."""
        new = known.successor
        assert new is not None, "one that is replaced has a successor"
        known.successor, known.is_replacing, known.is_changing = None, False, False
        ended(known, now)
        new.answers, new.answers_heard = known.answers, known.answers_heard
        new.attempts = known.attempts
        accepted_at = new.accepted_at or now
        new.is_accepted, new.is_in_doubt, new.accepted_at = True, False, accepted_at
        return self.add(new)

    def own(self, order_id: int) -> Known | None:
        """Our order of that id."""
        return self._own.get(order_id)

    def named(self, symbol: str, exchange_order_id: str | None, name: str | None) -> Known | None:
        """The order that is called so, by the exchange's id first, then by our name."""
        known = None
        if exchange_order_id is not None:
            known = self._by_exchange_id.get((symbol, exchange_order_id))
        if known is None:
            known = self._bearing(name)
        if known is None or known.symbol != symbol:
            return None
        if exchange_order_id is not None:
            self.link(known, exchange_order_id)
        return known

    def __iter__(self) -> Iterator[Known]:
        return iter(list(self._own.values()))

    def live(self) -> Sequence[Known]:
        """All that stand at the exchange, ours and strangers."""
        return [known for known in self._last() if known.is_live]

    def unsettled(self, symbol: str) -> bool:
        """Whether an order of ours in the symbol has no id of the exchange, or soon another."""
        return any(
            known.order_id
            and known.symbol == symbol
            and (known.exchange_order_id is None or known.is_replacing)
            for known in self._last()
        )

    def forget(self, before: datetime) -> None:
        """Let go of orders that ended before then."""
        gone = [k for k in self._all() if k.over_at is not None and k.over_at < before]
        for known in gone:
            self._own.pop(known.order_id, None)
        names = {id(known) for known in gone}
        self._by_exchange_id = {
            key: known for key, known in self._by_exchange_id.items() if id(known) not in names
        }

    def _last(self) -> Sequence[Known]:
        """Those that have not ended."""
        self._lasting = {key: known for key, known in self._lasting.items() if not known.is_over}
        return list(self._lasting.values())

    def _bearing(self, name: str | None) -> Known | None:
        """Ours by the name of a request; one that is about to be replaced has two."""
        order_id = self.names.order_id_of(name)
        known = None if order_id is None else self._own.get(order_id)
        new = None if known is None else known.successor
        return new if new is not None and new.client_id == name else known

    def _all(self) -> Sequence[Known]:
        """Each once, though it may have several names."""
        every = [*self._own.values(), *self._by_exchange_id.values()]
        return list({id(known): known for known in every}.values())


def ended(known: Known, now: datetime) -> None:
    """It stands at the exchange no more."""
    known.is_over, known.is_in_doubt = True, False
    known.over_at = known.over_at or now
