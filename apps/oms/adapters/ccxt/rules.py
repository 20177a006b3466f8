"""What venues ask of who reads them: where an order is found, how lists are paged and cut.

A table; nothing is asked of a venue here. What is not in it is read in the most careful way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum

from oms.domain.instrument import Instrument, Kind
from oms.domain.order_forms import TRIGGERED_TYPES
from oms.domain.value import value


class LookUp(StrEnum):
    """How one order is found by our name."""

    #: The lists take our name as a parameter.
    LISTS = "lists"
    #: ``fetch_order`` takes it.
    BY_PARAM = "by_param"
    #: Nothing takes it: the lists are read and compared.
    SCAN = "scan"


@value
class VenueRules:
    """One venue."""

    look_up: LookUp = LookUp.SCAN
    #: Parameter that holds our name, and the exchange's id, in lists.
    name_param: str = ""
    id_param: str = ""
    #: What stands for the exchange's id where our name is asked for.
    without_id: str | None = None
    #: Executions tell our name: one without is nobody's of ours.
    trades_tell_names: bool = False
    symbol_required: bool = False
    trades_page: int = 100
    orders_page: int = 50
    #: Rows of a list of orders that ended, where there are others than of open ones.
    closed_page: int = 0
    #: Lists say where their next page begins.
    by_cursor: bool = False
    #: Days a call may span, and how many back anything is told; 0: no limit known.
    span_days: int = 0
    back_days: int = 0
    #: Kinds of executions that are told only when asked for by name.
    more_executions: tuple[str, ...] = ()
    #: Where an order keeps its id and its place when it is given other terms.
    changes: frozenset[Kind] = frozenset()
    #: Where one request cancels an order and places another, if nothing of it was executed.
    replaces: frozenset[Kind] = frozenset()
    #: Where conditional orders stand in a list of their own, under ids of their own. What one
    #: places when its trigger is met bears its name and another id.
    stops_apart: frozenset[Kind] = frozenset()
    #: Whether an order says that it waits for its trigger.
    tells_waiting: bool = False
    #: Where none are sent.
    stops_unsent: frozenset[Kind] = frozenset()
    #: What asks for the lists of conditional orders, one after the other.
    stop_lists: Mapping[Kind, Sequence[Mapping[str, object]]] = field(default_factory=dict)
    #: What makes ``fetch_order`` look among them; ``None``: it cannot.
    finds_stops: Mapping[str, object] | None = None
    #: The lists that hold, together, all orders that ended.
    closed_lists: Sequence[str] = ()
    #: An order that is not found by name counts as absent only once all lists were searched.
    lists_prove_absence: bool = False
    #: Lists show the newest rows of their span first: what is older is asked for by an earlier end.
    newest_first: bool = False
    #: The parameter that counts the rows to leave out, where lists are walked so.
    offset_param: str = ""
    #: Our names are cut to their first 28 characters there, and stand behind ``t-``.
    names_are_cut: bool = False
    #: Words of ccxt for a part of the account that would travel as words of the venue's own, by
    #: method (``""`` any other): they are left out. And what says the same to the venue itself.
    leaves_out: Mapping[str, frozenset[str]] = field(default_factory=dict)
    names_kind: Mapping[str, Mapping[Kind, Mapping[str, object]]] = field(default_factory=dict)
    #: Where a market order to buy says what to spend, and never how much to buy.
    buys_by_cost: frozenset[Kind] = frozenset()
    #: Times in force that are not there.
    not_in_force: Mapping[Kind, frozenset[str]] = field(default_factory=dict)
    #: Whether our name of an order is refused as a duplicate while it lives and after its end.
    names_are_unique: bool = False
    #: Whether requests that are too old are refused by their time.
    expires_requests: bool = False

    def page_of(self, method: str) -> int:
        """How many rows a list has at most, as it is asked."""
        if method == "fetch_my_trades":
            return self.trades_page
        is_open = method == "fetch_open_orders"
        return self.orders_page if is_open or not self.closed_page else self.closed_page

    def words(self, method: str, kind: Kind, params: Mapping[str, object]) -> dict[str, object]:
        """``params`` of a part of the account as the venue is asked for it by ``method``."""
        gone = self.leaves_out.get(method, self.leaves_out.get("", frozenset()))
        kept = {name: each for name, each in params.items() if name not in gone}
        return {**kept, **self.names_kind.get(method, {}).get(kind, {})}

    def stop_lists_of(self, kind: Kind) -> Sequence[Mapping[str, object]]:
        """What asks for the lists of conditional orders."""
        return self.stop_lists.get(kind, ())

    def sends_stops(self, kind: Kind) -> bool:
        """Whether orders with a trigger are sent."""
        return kind not in self.stops_unsent

    def waits_apart(self, symbol: str, order_type: str) -> bool:
        """Whether an order of ours waits for its trigger in a list of its own."""
        kinds = self.stops_apart - self.stops_unsent
        kind = Kind.LINEAR if ":" in symbol else Kind.SPOT
        return kind in kinds and order_type in TRIGGERED_TYPES


_ALL = frozenset({Kind.SPOT, Kind.LINEAR})
_SPOT = frozenset({Kind.SPOT})
_CONTRACTS = frozenset({Kind.LINEAR, Kind.INVERSE})
_TRIGGER: Mapping[str, object] = {"trigger": True}
_PART = frozenset({"type", "subType"})
_OKX_KINDS: Mapping[Kind, Mapping[str, object]] = {
    Kind.SPOT: {"instType": "SPOT"},
    Kind.LINEAR: {"instType": "SWAP"},
}
_CAREFUL = VenueRules()
_RULES: Mapping[str, VenueRules] = {
    "bybit": VenueRules(
        look_up=LookUp.LISTS,
        name_param="orderLinkId",
        id_param="orderId",
        trades_tell_names=True,
        by_cursor=True,
        span_days=7,
        back_days=730,
        more_executions=("BustTrade", "AdlTrade", "Funding"),
        changes=_ALL,
        tells_waiting=True,
        names_are_unique=True,
        expires_requests=True,
    ),
    "binance": VenueRules(
        look_up=LookUp.BY_PARAM,
        name_param="origClientOrderId",
        id_param="orderId",
        symbol_required=True,
        trades_page=1000,
        orders_page=1000,
        span_days=1,
        changes=frozenset({Kind.LINEAR}),
        replaces=frozenset({Kind.SPOT}),
        stops_apart=_CONTRACTS,
        stops_unsent=frozenset({Kind.INVERSE}),
        stop_lists=dict.fromkeys(_CONTRACTS, (_TRIGGER,)),
        finds_stops=_TRIGGER,
        tells_waiting=True,
        expires_requests=True,
    ),
    "okx": VenueRules(
        look_up=LookUp.BY_PARAM,
        name_param="clOrdId",
        id_param="ordId",
        orders_page=100,
        back_days=90,
        changes=_ALL,
        stops_apart=_ALL,
        stops_unsent=_ALL,
        stop_lists=dict.fromkeys(_ALL, (_TRIGGER, {**_TRIGGER, "ordType": "conditional,oco"})),
        finds_stops=_TRIGGER,
        closed_lists=("fetch_closed_orders", "fetch_canceled_orders"),
        leaves_out={
            **dict.fromkeys(("fetch_open_orders", "fetch_positions"), _PART),
            "": frozenset({"subType"}),
        },
        names_kind=dict.fromkeys(("fetch_open_orders", "fetch_positions"), _OKX_KINDS),
        lists_prove_absence=True,
        newest_first=True,
    ),
    "kraken": VenueRules(
        trades_page=50,
        closed_page=50,
        orders_page=1000,
        changes=_ALL,
        stops_unsent=_ALL,
        closed_lists=("fetch_closed_orders",),
        offset_param="ofs",
    ),
    "gate": VenueRules(
        trades_page=1000,
        orders_page=100,
        span_days=30,
        changes=_ALL,
        stops_apart=_ALL,
        stops_unsent=_ALL,
        stop_lists=dict.fromkeys(_ALL, (_TRIGGER,)),
        closed_lists=("fetch_closed_orders",),
        newest_first=True,
        leaves_out={"": frozenset({"subType"})},
        names_are_cut=True,
        buys_by_cost=_SPOT,
    ),
    "kucoin": VenueRules(
        look_up=LookUp.BY_PARAM,
        name_param="clientOrderId",
        id_param="orderId",
        symbol_required=True,
        span_days=7,
        stops_apart=_ALL,
        stops_unsent=_ALL,
        stop_lists=dict.fromkeys(_ALL, (_TRIGGER,)),
        closed_lists=("fetch_closed_orders",),
        lists_prove_absence=True,
        newest_first=True,
        leaves_out={"": _PART},
        not_in_force={Kind.LINEAR: frozenset({"FOK"})},
    ),
    "bitget": VenueRules(
        look_up=LookUp.BY_PARAM,
        name_param="clientOrderId",
        id_param="orderId",
        without_id="",
        symbol_required=True,
        orders_page=100,
        span_days=7,
        stops_apart=_ALL,
        stops_unsent=_ALL,
        stop_lists={
            Kind.SPOT: (_TRIGGER,),
            Kind.LINEAR: (_TRIGGER, {**_TRIGGER, "planType": "profit_loss"}),
        },
        closed_lists=("fetch_canceled_and_closed_orders",),
        leaves_out={"": _PART, "fetch_positions": frozenset({"type"})},
        lists_prove_absence=True,
        newest_first=True,
        buys_by_cost=_SPOT,
    ),
    **dict.fromkeys(
        ("mexc", "htx", "hyperliquid"),
        VenueRules(look_up=LookUp.BY_PARAM, name_param="clientOrderId", span_days=7),
    ),
}


def rules_of(venue: str) -> VenueRules:
    """The venue's rules."""
    return _RULES.get(venue, _CAREFUL)


@value
class Part:
    """A part of an account that is read by itself: what to ask for, and what lies in it."""

    name: str
    params: Mapping[str, object]
    symbols: frozenset[str]
    has_positions: bool


def parts_of(venue: str, instruments: Mapping[str, Instrument]) -> list[Part]:
    """The parts of an account at the venue."""
    spot = frozenset(s for s, each in instruments.items() if each.kind is Kind.SPOT)
    rest = {s: each for s, each in instruments.items() if each.kind is not Kind.SPOT}
    parts = []
    if spot:
        params: dict[str, object] = {"type": "spot"} if rest else {}
        parts.append(Part(name="spot", params=params, symbols=spot, has_positions=False))
    for kind in (Kind.LINEAR, Kind.INVERSE):
        held = {s: each for s, each in rest.items() if each.kind is kind}
        parts += _contracts(venue, kind, held, has_spot=bool(spot))
    return parts


def _contracts(
    venue: str, kind: Kind, held: Mapping[str, Instrument], *, has_spot: bool
) -> list[Part]:
    """Contracts; where the venue asks for the currency of settlement, one part each."""
    if not held:
        return []
    params: dict[str, object] = {"type": "swap", "subType": kind.value} if has_spot else {}
    if venue != "bybit":
        return [Part(name=kind.value, params=params, symbols=frozenset(held), has_positions=True)]
    parts = []
    for settle in sorted({each.settle for each in held.values()}):
        symbols = frozenset(s for s, each in held.items() if each.settle == settle)
        named = {**params, "settleCoin": settle}
        name = f"{kind.value}:{settle}"
        parts.append(Part(name=name, params=named, symbols=symbols, has_positions=True))
    return parts
