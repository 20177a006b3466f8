"""What venues ask of who reads them: where an order is found, how lists are paged and cut.

A table; nothing is asked of a venue here. What is not in it is read in the most careful way.
"""

from collections.abc import Mapping
from enum import StrEnum

from oms.domain.instrument import Instrument, Kind
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
    #: Executions tell our name: one without is nobody's of ours.
    trades_tell_names: bool = False
    symbol_required: bool = False
    trades_page: int = 100
    orders_page: int = 50
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
    #: Where conditional orders stand in a list of their own, under ids of their own.
    stops_apart: frozenset[Kind] = frozenset()
    #: Whether our name of an order is refused as a duplicate while it lives and after its end.
    names_are_unique: bool = False
    #: Whether requests that are too old are refused by their time.
    expires_requests: bool = False


_ALL = frozenset({Kind.SPOT, Kind.LINEAR})
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
        stops_apart=frozenset({Kind.LINEAR}),
        expires_requests=True,
    ),
    "okx": VenueRules(
        look_up=LookUp.BY_PARAM,
        name_param="clOrdId",
        id_param="ordId",
        back_days=90,
        changes=_ALL,
        stops_apart=_ALL,
    ),
    **dict.fromkeys(("kraken", "gate"), VenueRules(changes=_ALL, stops_apart=_ALL)),
    **dict.fromkeys(
        ("kucoin", "bitget", "mexc", "htx", "hyperliquid"),
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
