"""Everything that differs between venues, as fields of one profile with safe defaults.

Each venue has a module that fills a profile in; ``profile_registry`` lists them. A venue without
a profile is read in the most careful way. Nothing is sent from here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from oms.adapters.ccxt.venues.key_query import KeyQuery
from oms.adapters.ccxt.venues.order_batches import OrderBatch, OrderLimit
from oms.adapters.ccxt.venues.order_status import Info, StateParser
from oms.adapters.ccxt.venues.trigger_tag import TriggerTag
from oms.adapters.ccxt.venues.venue_errors import ErrorTable
from oms.adapters.ccxt.venues.wallets import WalletLayout
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.order_types import WAITING_TYPES
from oms.domain.value import value


class LookupMethod(StrEnum):
    """How one order is looked up by its client order id."""

    #: Order lists filter by the client order id.
    LISTS = "lists"
    #: ``fetch_order`` takes the client order id as a parameter.
    BY_PARAM = "by_param"
    #: Nothing takes it: whole lists are read and compared.
    SCAN = "scan"


@value
class AddressLimit:
    """Limits that count for the IP address instead of the key."""

    #: Budgets of API groups that count by themselves, by the beginning of ccxt's name of the API,
    #: in ccxt's costs per second; all else shares one budget.
    groups: Mapping[str, float]
    #: The cost of an order for the address, in ccxt's costs.
    order_cost: float


@value
class UsedWeight:
    """A reply header with the weight used in this minute."""

    header: str
    #: Weight per minute by a part of the URL path.
    limits: Mapping[str, float]


@value
class PlacedOrderQuery:
    """A request of ccxt's generic kind for the order that a conditional order placed."""

    kinds: frozenset[InstrumentKind]
    path: str
    #: ccxt's names of the API.
    api: Sequence[str]
    #: The parameter with the id of the conditional order.
    param: str
    #: Reads the id of the placed order; may raise as ``KeyQuery.parse`` does.
    parse: Callable[[Any], str | None]


def _cancel_all_after(seconds: int, symbol: str) -> tuple[str, Sequence[object]]:
    """ccxt's method for the orders of all symbols."""
    del symbol
    return "cancel_all_orders_after", [seconds * 1000]


@value
class CancelTimer:
    """A timer of a venue that cancels orders at its end. Set to 0 it is off."""

    #: How many seconds it may count.
    seconds: range
    #: Kinds that have it; it counts for each symbol of them. ``None``: one for all orders.
    symbol_kinds: frozenset[InstrumentKind] | None = None
    #: ccxt's method and its arguments, for seconds and a symbol (``""``: all).
    call: Callable[[int, str], tuple[str, Sequence[object]]] = _cancel_all_after


@value
class TrailingDistances:
    """The distances that a trailing stop order may have at a venue."""

    #: The smallest and largest percentage, and their step.
    percent_min: Decimal
    percent_max: Decimal
    percent_step: Decimal
    #: Whether the distance may be an amount of the quote currency instead.
    takes_amounts: bool = False

    def has(self, percent: Decimal | None, amount: Decimal | None) -> bool:
        """Returns whether an order may have the distance."""
        if percent is None:
            return self.takes_amounts and amount is not None
        is_within = self.percent_min <= percent <= self.percent_max
        return is_within and not percent % self.percent_step


@value
class VenueProfile:
    """One venue; the defaults hold where nothing is known."""

    # --- construction of the ccxt client
    #: ccxt options of every environment, and those of single environments, which win.
    ccxt_options: Mapping[str, Any] = field(default_factory=dict)
    environment_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: ccxt methods, with arguments, that ccxt would call before its first private request, and
    #: whose answers it keeps.
    init_calls: Sequence[tuple[str, Sequence[Any]]] = ()
    #: ccxt's class compares amounts with numbers: whole amounts are passed as ``int``.
    needs_integer_amounts: bool = False
    #: Permissions of the key, and its owner where another call returns it.
    key_query: KeyQuery | None = None
    owner_query: KeyQuery | None = None

    #: The kind of contracts that are traded.
    contract_kind: InstrumentKind = InstrumentKind.LINEAR

    # --- errors and rate limits
    errors: ErrorTable = ErrorTable()
    #: Reply headers with the requests allowed per second and those left.
    limit_headers: tuple[str, str] | None = None
    used_weight: UsedWeight | None = None
    address_limit: AddressLimit | None = None
    #: Limits on new orders, as documented; a reply of the venue may say others.
    order_limits: Sequence[OrderLimit] = ()
    #: Reads them from a reply: its URL and its parsed body.
    parse_order_limits: Callable[[str, Any], Sequence[OrderLimit]] | None = None
    #: One request that places several orders; ``None``: there is none.
    order_batch: OrderBatch | None = None

    # --- looking up an order
    lookup_method: LookupMethod = LookupMethod.SCAN
    #: List parameters for the client order id and for the exchange's order id.
    name_param: str = ""
    id_param: str = ""
    #: Stands for the exchange's order id where an order is fetched by its client order id.
    id_placeholder: str | None = None
    #: Executions carry the client order id: one without is not of this gateway.
    trades_have_client_id: bool = False
    #: An order that is not found by its id counts as absent only once all lists were searched.
    absence_needs_lists: bool = False

    # --- lists
    #: Lists of closed orders and executions must be read by symbol.
    symbol_required: bool = False
    #: Open orders are listed without a symbol all the same.
    lists_all_open_orders: bool = False
    trades_page: int = 100
    orders_page: int = 50
    #: The list of open orders is cut unless its limit is named.
    open_orders_need_limit: bool = False
    #: Rows per page of closed orders where it differs from open orders.
    closed_page: int = 0
    #: Lists return a cursor of their next page.
    uses_cursor: bool = False
    #: Days that one call may span, and days of history; 0: no limit known.
    window_days_max: int = 0
    #: The same for kinds that differ.
    window_days: Mapping[InstrumentKind, int] = field(default_factory=dict)
    history_days_max: int = 0
    history_days: Mapping[InstrumentKind, int] = field(default_factory=dict)
    #: The lists that hold, together, all closed orders.
    closed_order_methods: Sequence[str] = ()
    #: Lists return the newest rows of their span first: older ones are read by an earlier end.
    newest_first: bool = False
    #: Parameters that a list method always has.
    list_params: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    #: The parameter with the number of rows to skip, where lists are paged so.
    offset_param: str = ""
    #: Parameters with the id of a page's first row, by kind and method, where a list without a time
    #: returns its newest page and ids ascend: more than a window is read so.
    from_id_params: Mapping[InstrumentKind, Mapping[str, str]] = field(default_factory=dict)
    #: The same where the newest page is that of the last window only: the pages are read from the
    #: first id on, and count if they prove to reach back further, or nothing happened before.
    first_id_params: Mapping[InstrumentKind, Mapping[str, str]] = field(default_factory=dict)
    #: Rows per page of the list of all income of contracts; 0: there is none.
    income_page: int = 0
    #: ccxt's section parameters that the venue would misread, by method (``""``: any other): they
    #: are left out. ``kind_params`` says the same in the venue's own parameters.
    omitted_params: Mapping[str, frozenset[str]] = field(default_factory=dict)
    kind_params: Mapping[str, Mapping[InstrumentKind, Mapping[str, object]]] = field(
        default_factory=dict
    )
    #: The parameter of the settlement currency where contracts are listed per currency.
    settle_param: str = ""
    #: Rows per page of the list of funding payments; 0: they are among the executions, or not read.
    funding_page: int = 0
    #: Days that one call of it may span, and days of its history; 0: no limit known.
    funding_window_days: int = 0
    funding_history_days: int = 0
    #: It is listed by symbol only, and takes an end.
    funding_by_symbol: bool = False
    funding_takes_until: bool = True
    #: How it is paged: by rows to skip, or by the id of the oldest row so far; else by time.
    funding_offset_param: str = ""
    funding_before_id_param: str = ""
    #: Keys in ``info`` of a payment with its exact amount: the first that is not zero counts.
    funding_number_keys: Sequence[str] = ()
    #: Keys in ``info`` that identify a payment where it has no id.
    funding_content_keys: Sequence[str] = ()
    #: Execution types that are listed only when they are requested.
    extra_execution_types: tuple[str, ...] = ()

    # --- conditional orders
    #: Kinds whose conditional orders have lists and ids of their own. The order that one places
    #: when it triggers has another exchange id, and the same client order id or none.
    separate_trigger_kinds: frozenset[InstrumentKind] = frozenset()
    #: Whether an order reports that it waits for its trigger.
    reports_waiting_trigger: bool = False
    #: Kinds to which no conditional orders are sent, and why.
    unsupported_triggers: Mapping[InstrumentKind, str] = field(default_factory=dict)
    #: Parameters that select the lists of conditional orders, one list after the other.
    trigger_list_params: Mapping[InstrumentKind, Sequence[Mapping[str, object]]] = field(
        default_factory=dict
    )
    #: The same for conditional orders that ended; they name the order that they placed.
    ended_trigger_list_params: Mapping[InstrumentKind, Sequence[Mapping[str, object]]] = field(
        default_factory=dict
    )
    #: Makes ``fetch_order`` search conditional orders; ``None``: it cannot.
    trigger_lookup_params: Mapping[str, object] | None = None
    #: The order that a conditional one placed has its client order id; else only its id is known.
    names_triggered_orders: bool = True
    #: Names the placed order where the row of the conditional one does not.
    placed_order_query: PlacedOrderQuery | None = None
    #: Makes conditional orders known again that have no client order id.
    trigger_tag: TriggerTag | None = None
    #: Sent with each conditional order, unless it has them.
    trigger_params: Mapping[str, object] = field(default_factory=dict)

    # --- sending
    #: Kinds whose orders are amended in place, keeping id and queue priority.
    amend_kinds: frozenset[InstrumentKind] = frozenset()
    #: Whether that also moves the trigger price of an order that waits for it.
    amends_triggers: bool = False
    #: Kinds where one request cancels an order and places another, if it has no fills.
    replace_kinds: frozenset[InstrumentKind] = frozenset()
    #: Kinds whose market buys are given by cost, never by quantity.
    market_buy_by_cost_kinds: frozenset[InstrumentKind] = frozenset()
    #: Order types that are not sent, of those that the kind has otherwise.
    unsupported_types: Mapping[InstrumentKind, frozenset[str]] = field(default_factory=dict)
    unsupported_time_in_force: Mapping[InstrumentKind, frozenset[str]] = field(default_factory=dict)
    #: The parameter with the direction in which the price of contracts meets a trigger, and its
    #: values for up and down; ``None``: it is not sent.
    trigger_direction: tuple[str, str, str] | None = None
    #: Kinds whose reduce-only stop and take-profit market orders rest beside each other and act on
    #: the position at the time: they may stand for stop levels.
    native_exit_kinds: frozenset[InstrumentKind] = frozenset()
    #: Kinds to which trailing stop orders are sent, and the distances that they take.
    trailing_distances: Mapping[InstrumentKind, TrailingDistances] = field(default_factory=dict)
    #: Stop and take profit differ in the parameter of the trigger, not by its side.
    has_typed_triggers: bool = False
    #: ccxt's fields of an order with its trigger price, where it is not in ``triggerPrice``.
    trigger_price_fields: Sequence[str] = ()
    #: Kinds whose cancel does not say whether the order is a conditional one.
    one_cancel_kinds: frozenset[InstrumentKind] = frozenset()
    #: Client order ids keep their first 28 characters and get the prefix ``t-``.
    has_short_client_ids: bool = False
    #: The timer that cancels orders unless it is set again; ``None``: there is none.
    cancel_timer: CancelTimer | None = None
    #: A client order id is refused as a duplicate while its order is open and after it ended.
    has_unique_client_ids: bool = False
    #: How long a client order id belongs to one order, as capabilities report it.
    client_id_scope: str | None = None
    #: Requests that are too old are rejected by their timestamp.
    rejects_stale_requests: bool = False

    # --- rows
    #: The id of an order in the venue's row, where ccxt's is another one.
    parse_order_id: Callable[[Info], str | None] | None = None
    #: Keys in ``info`` of an order with its client order id that come before ccxt's.
    client_id_keys: Sequence[str] = ()
    #: Keys in ``info`` with exact numbers, by ccxt's field: of orders and of executions.
    order_number_keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    trade_number_keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Keys in ``info`` of an execution with its fee, negative where it is charged.
    negative_fee_keys: Sequence[str] = ()
    parse_state: StateParser | None = None
    #: Side of a row, where ccxt's is wrong: from the venue's row and ccxt's side.
    parse_side: Callable[[Info, Any], Any] | None = None
    #: A key in ``info`` and its value: the amount of such an order is in quote currency.
    quote_amount_marker: tuple[str, str] | None = None
    #: ``info.createType`` of orders that the exchange made: the reason, and the exit that it is.
    create_reasons: Mapping[str, str] = field(default_factory=dict)
    create_exits: Mapping[str, str] = field(default_factory=dict)
    #: ``info.execType`` of executions that the exchange made: the reason.
    execution_reasons: Mapping[str, str] = field(default_factory=dict)
    #: Every execution has an id: a row without one is malformed.
    trades_have_ids: bool = False
    #: Executions say whether the order was the maker.
    reports_makers: bool = True
    #: Key in ``info`` that numbers executions in their order.
    sequence_key: str = ""

    # --- balances, position mode, streams, prices
    #: Where cash is, at a venue where contracts are traded; ``None``: it is not known there.
    wallets: WalletLayout | None = None
    #: The position mode of a symbol is read from its positions, flat ones included.
    has_mode_per_symbol: bool = False
    #: One private stream reports all kinds of markets.
    has_single_private_stream: bool = False
    #: Levels of an order book request; ``None``: the venue's default.
    book_depth: int | None = None
    #: Tested against recorded or documented replies through ccxt, never at the venue itself.
    is_recorded: bool = False

    @property
    def reads_funding(self) -> bool:
        """Whether funding payments are read, from a list of their own or among the executions."""
        return bool(self.funding_page) or "Funding" in self.extra_execution_types

    def batch_size(self, kind: InstrumentKind) -> int | None:
        """Returns how many orders one request places at most; ``None``: one by one."""
        batch = self.order_batch
        return batch.size if batch is not None and kind in batch.kinds else None

    def page_size(self, method: str) -> int:
        """Returns the rows per page of a list method."""
        if method == "fetch_my_trades":
            return self.trades_page
        is_open = method == "fetch_open_orders"
        return self.orders_page if is_open or not self.closed_page else self.closed_page

    def request_params(
        self, method: str, kind: InstrumentKind, params: Mapping[str, object]
    ) -> dict[str, object]:
        """Returns ``params`` of an account section as ``method`` sends them to the venue."""
        omitted = self.omitted_params.get(method, self.omitted_params.get("", frozenset()))
        remaining = {name: each for name, each in params.items() if name not in omitted}
        return {**remaining, **self.kind_params.get(method, {}).get(kind, {})}

    def trigger_lists(self, kind: InstrumentKind) -> Sequence[Mapping[str, object]]:
        """Returns the parameters of each list of conditional orders."""
        return self.trigger_list_params.get(kind, ())

    def ended_trigger_lists(self, kind: InstrumentKind) -> Sequence[Mapping[str, object]]:
        """Returns the parameters of each list of conditional orders that ended."""
        return self.ended_trigger_list_params.get(kind, ())

    def supports_triggers(self, kind: InstrumentKind) -> bool:
        """Returns whether orders with a trigger are sent."""
        return kind not in self.unsupported_triggers

    def tag_of(self, kind: InstrumentKind) -> TriggerTag | None:
        """Returns the tag of conditional orders of that kind, if they have one."""
        tag = self.trigger_tag
        return tag if tag is not None and kind in tag.kinds else None

    def waits_separately(self, symbol: str, order_type: str) -> bool:
        """Returns whether an order waits for its trigger in a separate list."""
        kinds = self.separate_trigger_kinds - self.unsupported_triggers.keys()
        return self.kind_of(symbol) in kinds and order_type in WAITING_TYPES

    def cancels_triggers_apart(self, symbol: str) -> bool:
        """Returns whether a cancel says that the order is a conditional one."""
        return self.kind_of(symbol) not in self.one_cancel_kinds

    def kind_of(self, symbol: str) -> InstrumentKind:
        """Returns the kind of a symbol, as far as its form says."""
        return self.contract_kind if ":" in symbol else InstrumentKind.SPOT


ALL_KINDS = frozenset({InstrumentKind.SPOT, InstrumentKind.LINEAR})
SPOT_ONLY = frozenset({InstrumentKind.SPOT})
CONTRACTS = frozenset({InstrumentKind.LINEAR, InstrumentKind.INVERSE})
TRIGGER_PARAMS: Mapping[str, object] = {"trigger": True}
SECTION_PARAMS = frozenset({"type", "subType"})
