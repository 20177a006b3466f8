"""What venues ask of who reads them: where an order is found, how lists are paged and cut.

A table; nothing is asked of a venue here. What is not in it is read in the most careful way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.orders.order_validation import TRIGGERED_TYPES
from oms.domain.value import value


class LookupMethod(StrEnum):
    """How one order is found by our name."""

    #: The lists take our name as a parameter.
    LISTS = "lists"
    #: ``fetch_order`` takes it.
    BY_PARAM = "by_param"
    #: Nothing takes it: the lists are read and compared.
    SCAN = "scan"


@value
class VenueProfile:
    """One venue."""

    lookup_method: LookupMethod = LookupMethod.SCAN
    #: Parameter that holds our name, and the exchange's id, in lists.
    name_param: str = ""
    id_param: str = ""
    #: What stands for the exchange's id where our name is asked for.
    id_placeholder: str | None = None
    #: Executions tell our name: one without is nobody's of ours.
    trades_have_client_id: bool = False
    symbol_required: bool = False
    trades_page: int = 100
    orders_page: int = 50
    #: Rows of a list of orders that ended, where there are others than of open ones.
    closed_page: int = 0
    #: Lists say where their next page begins.
    uses_cursor: bool = False
    #: Days a call may span, and how many back anything is told; 0: no limit known.
    window_days_max: int = 0
    history_days_max: int = 0
    #: Kinds of executions that are told only when asked for by name.
    extra_execution_types: tuple[str, ...] = ()
    #: Where an order keeps its id and its place when it is given other terms.
    amend_kinds: frozenset[InstrumentKind] = frozenset()
    #: Where one request cancels an order and places another, if nothing of it was executed.
    replace_kinds: frozenset[InstrumentKind] = frozenset()
    #: Where conditional orders stand in a list of their own, under ids of their own. What one
    #: places when its trigger is met bears its name and another id.
    separate_trigger_kinds: frozenset[InstrumentKind] = frozenset()
    #: Whether an order says that it waits for its trigger.
    reports_waiting_trigger: bool = False
    #: Where none are sent.
    unsupported_trigger_kinds: frozenset[InstrumentKind] = frozenset()
    #: What asks for the lists of conditional orders, one after the other.
    trigger_list_params: Mapping[InstrumentKind, Sequence[Mapping[str, object]]] = field(
        default_factory=dict
    )
    #: What makes ``fetch_order`` look among them; ``None``: it cannot.
    trigger_lookup_params: Mapping[str, object] | None = None
    #: The lists that hold, together, all orders that ended.
    closed_order_methods: Sequence[str] = ()
    #: An order that is not found by name counts as absent only once all lists were searched.
    absence_needs_lists: bool = False
    #: Lists show the newest rows of their span first: what is older is asked for by an earlier end.
    newest_first: bool = False
    #: The parameter that counts the rows to leave out, where lists are walked so.
    offset_param: str = ""
    #: Our names are cut to their first 28 characters there, and stand behind ``t-``.
    has_short_client_ids: bool = False
    #: Words of ccxt for a part of the account that would travel as words of the venue's own, by
    #: method (``""`` any other): they are left out. And what says the same to the venue itself.
    omitted_params: Mapping[str, frozenset[str]] = field(default_factory=dict)
    kind_params: Mapping[str, Mapping[InstrumentKind, Mapping[str, object]]] = field(
        default_factory=dict
    )
    #: Where a market order to buy says what to spend, and never how much to buy.
    market_buy_by_cost_kinds: frozenset[InstrumentKind] = frozenset()
    #: Times in force that are not there.
    unsupported_time_in_force: Mapping[InstrumentKind, frozenset[str]] = field(default_factory=dict)
    #: Whether our name of an order is refused as a duplicate while it lives and after its end.
    has_unique_client_ids: bool = False
    #: Whether requests that are too old are refused by their time.
    rejects_stale_requests: bool = False

    def page_size(self, method: str) -> int:
        """How many rows a list has at most, as it is asked."""
        if method == "fetch_my_trades":
            return self.trades_page
        is_open = method == "fetch_open_orders"
        return self.orders_page if is_open or not self.closed_page else self.closed_page

    def request_params(
        self, method: str, kind: InstrumentKind, params: Mapping[str, object]
    ) -> dict[str, object]:
        """``params`` of a part of the account as the venue is asked for it by ``method``."""
        omitted = self.omitted_params.get(method, self.omitted_params.get("", frozenset()))
        remaining = {name: each for name, each in params.items() if name not in omitted}
        return {**remaining, **self.kind_params.get(method, {}).get(kind, {})}

    def trigger_lists(self, kind: InstrumentKind) -> Sequence[Mapping[str, object]]:
        """What asks for the lists of conditional orders."""
        return self.trigger_list_params.get(kind, ())

    def supports_triggers(self, kind: InstrumentKind) -> bool:
        """Whether orders with a trigger are sent."""
        return kind not in self.unsupported_trigger_kinds

    def waits_separately(self, symbol: str, order_type: str) -> bool:
        """Whether an order of ours waits for its trigger in a list of its own."""
        kinds = self.separate_trigger_kinds - self.unsupported_trigger_kinds
        kind = InstrumentKind.LINEAR if ":" in symbol else InstrumentKind.SPOT
        return kind in kinds and order_type in TRIGGERED_TYPES


_ALL = frozenset({InstrumentKind.SPOT, InstrumentKind.LINEAR})
_SPOT = frozenset({InstrumentKind.SPOT})
_CONTRACTS = frozenset({InstrumentKind.LINEAR, InstrumentKind.INVERSE})
_TRIGGER: Mapping[str, object] = {"trigger": True}
_SECTION_PARAMS = frozenset({"type", "subType"})
_OKX_KINDS: Mapping[InstrumentKind, Mapping[str, object]] = {
    InstrumentKind.SPOT: {"instType": "SPOT"},
    InstrumentKind.LINEAR: {"instType": "SWAP"},
}
_DEFAULT = VenueProfile()
_PROFILES: Mapping[str, VenueProfile] = {
    "bybit": VenueProfile(
        lookup_method=LookupMethod.LISTS,
        name_param="orderLinkId",
        id_param="orderId",
        trades_have_client_id=True,
        uses_cursor=True,
        window_days_max=7,
        history_days_max=730,
        extra_execution_types=("BustTrade", "AdlTrade", "Funding"),
        amend_kinds=_ALL,
        reports_waiting_trigger=True,
        has_unique_client_ids=True,
        rejects_stale_requests=True,
    ),
    "binance": VenueProfile(
        lookup_method=LookupMethod.BY_PARAM,
        name_param="origClientOrderId",
        id_param="orderId",
        symbol_required=True,
        trades_page=1000,
        orders_page=1000,
        window_days_max=1,
        amend_kinds=frozenset({InstrumentKind.LINEAR}),
        replace_kinds=frozenset({InstrumentKind.SPOT}),
        separate_trigger_kinds=_CONTRACTS,
        unsupported_trigger_kinds=frozenset({InstrumentKind.INVERSE}),
        trigger_list_params=dict.fromkeys(_CONTRACTS, (_TRIGGER,)),
        trigger_lookup_params=_TRIGGER,
        reports_waiting_trigger=True,
        rejects_stale_requests=True,
    ),
    "okx": VenueProfile(
        lookup_method=LookupMethod.BY_PARAM,
        name_param="clOrdId",
        id_param="ordId",
        orders_page=100,
        history_days_max=90,
        amend_kinds=_ALL,
        separate_trigger_kinds=_ALL,
        unsupported_trigger_kinds=_ALL,
        trigger_list_params=dict.fromkeys(
            _ALL, (_TRIGGER, {**_TRIGGER, "ordType": "conditional,oco"})
        ),
        trigger_lookup_params=_TRIGGER,
        closed_order_methods=("fetch_closed_orders", "fetch_canceled_orders"),
        omitted_params={
            **dict.fromkeys(("fetch_open_orders", "fetch_positions"), _SECTION_PARAMS),
            "": frozenset({"subType"}),
        },
        kind_params=dict.fromkeys(("fetch_open_orders", "fetch_positions"), _OKX_KINDS),
        absence_needs_lists=True,
        newest_first=True,
    ),
    "kraken": VenueProfile(
        trades_page=50,
        closed_page=50,
        orders_page=1000,
        amend_kinds=_ALL,
        unsupported_trigger_kinds=_ALL,
        closed_order_methods=("fetch_closed_orders",),
        offset_param="ofs",
    ),
    "gate": VenueProfile(
        trades_page=1000,
        orders_page=100,
        window_days_max=30,
        amend_kinds=_ALL,
        separate_trigger_kinds=_ALL,
        unsupported_trigger_kinds=_ALL,
        trigger_list_params=dict.fromkeys(_ALL, (_TRIGGER,)),
        closed_order_methods=("fetch_closed_orders",),
        newest_first=True,
        omitted_params={"": frozenset({"subType"})},
        has_short_client_ids=True,
        market_buy_by_cost_kinds=_SPOT,
    ),
    "kucoin": VenueProfile(
        lookup_method=LookupMethod.BY_PARAM,
        name_param="clientOrderId",
        id_param="orderId",
        symbol_required=True,
        window_days_max=7,
        separate_trigger_kinds=_ALL,
        unsupported_trigger_kinds=_ALL,
        trigger_list_params=dict.fromkeys(_ALL, (_TRIGGER,)),
        closed_order_methods=("fetch_closed_orders",),
        absence_needs_lists=True,
        newest_first=True,
        omitted_params={"": _SECTION_PARAMS},
        unsupported_time_in_force={InstrumentKind.LINEAR: frozenset({"FOK"})},
    ),
    "bitget": VenueProfile(
        lookup_method=LookupMethod.BY_PARAM,
        name_param="clientOrderId",
        id_param="orderId",
        id_placeholder="",
        symbol_required=True,
        orders_page=100,
        window_days_max=7,
        separate_trigger_kinds=_ALL,
        unsupported_trigger_kinds=_ALL,
        trigger_list_params={
            InstrumentKind.SPOT: (_TRIGGER,),
            InstrumentKind.LINEAR: (_TRIGGER, {**_TRIGGER, "planType": "profit_loss"}),
        },
        closed_order_methods=("fetch_canceled_and_closed_orders",),
        omitted_params={"": _SECTION_PARAMS, "fetch_positions": frozenset({"type"})},
        absence_needs_lists=True,
        newest_first=True,
        market_buy_by_cost_kinds=_SPOT,
    ),
    **dict.fromkeys(
        ("mexc", "htx", "hyperliquid"),
        VenueProfile(
            lookup_method=LookupMethod.BY_PARAM, name_param="clientOrderId", window_days_max=7
        ),
    ),
}


def get_profile(venue: str) -> VenueProfile:
    """The venue's rules."""
    return _PROFILES.get(venue, _DEFAULT)


@value
class AccountSection:
    """A part of an account that is read by itself: what to ask for, and what lies in it."""

    name: str
    params: Mapping[str, object]
    symbols: frozenset[str]
    has_positions: bool


def list_sections(venue: str, instruments: Mapping[str, Instrument]) -> list[AccountSection]:
    """The sections of an account at the venue."""
    spot = frozenset(s for s, each in instruments.items() if each.kind is InstrumentKind.SPOT)
    derivatives = {
        s: each for s, each in instruments.items() if each.kind is not InstrumentKind.SPOT
    }
    sections = []
    if spot:
        params: dict[str, object] = {"type": "spot"} if derivatives else {}
        sections.append(
            AccountSection(name="spot", params=params, symbols=spot, has_positions=False)
        )
    for kind in (InstrumentKind.LINEAR, InstrumentKind.INVERSE):
        contracts = {s: each for s, each in derivatives.items() if each.kind is kind}
        sections += _contract_sections(venue, kind, contracts, has_spot=bool(spot))
    return sections


def _contract_sections(
    venue: str, kind: InstrumentKind, contracts: Mapping[str, Instrument], *, has_spot: bool
) -> list[AccountSection]:
    """Contracts; where the venue asks for the currency of settlement, one part each."""
    if not contracts:
        return []
    params: dict[str, object] = {"type": "swap", "subType": kind.value} if has_spot else {}
    if venue != "bybit":
        return [
            AccountSection(
                name=kind.value, params=params, symbols=frozenset(contracts), has_positions=True
            )
        ]
    sections = []
    for settle in sorted({each.settle for each in contracts.values()}):
        symbols = frozenset(s for s, each in contracts.items() if each.settle == settle)
        section_params = {**params, "settleCoin": settle}
        name = f"{kind.value}:{settle}"
        sections.append(
            AccountSection(name=name, params=section_params, symbols=symbols, has_positions=True)
        )
    return sections
