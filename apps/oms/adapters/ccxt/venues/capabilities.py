"""What a venue can do in an environment, each field with its source. ccxt is not imported.

``declared`` is ccxt's own word, ``table`` is ours and stands above it, ``account`` what the
settings of an account took away. Nothing is added by settings, and nothing is tried out here.
"""

from collections.abc import Collection, Mapping
from typing import Any

from oms.adapters.ccxt.venues.catalog import VenueInfo
from oms.adapters.ccxt.venues.profile import LookupMethod, VenueProfile, get_profile
from oms.domain.instrument import InstrumentKind
from oms.domain.value import value

DECLARED, TABLE, ACCOUNT = "declared", "table", "account"
UNTESTED = "untested"
#: Held against answers that were recorded or documented, through ccxt itself; never tried there.
RECORDED = "recorded"
_RECORDED = frozenset({"okx", "kraken", "gate", "kucoin", "bitget"})
_KINDS = ("spot", "linear")
_STREAMS = {
    "orders": "watchOrders",
    "trades": "watchMyTrades",
    "positions": "watchPositions",
    "balance": "watchBalance",
}
#: Order types that are sent as they are: everywhere, and where a trigger is known.
_PLAIN = ("market", "limit")
_TRIGGERED = ("stop_market", "stop_limit", "take_profit_market", "take_profit_limit")
#: How long our name of a request belongs to one order there; ``None``: for ever.
_UNIQUE_FOR = {"binance": "open orders"}
REQUEST_EXPIRY_MS = 5000
_HEX = "32 hex characters"
#: What the settings of an account may say of a field: less than there is.
_NOTHING = (False, "none", None)


@value
class Capability:
    """One field: what it is and who says so."""

    value: Any
    source: str


def build_capabilities(
    venue: VenueInfo,
    environment: str,
    taken: Mapping[str, Any] | None = None,
    *,
    streams: bool = True,
) -> dict[str, Capability]:
    """By field; ``taken`` is ``oms.capabilities`` of an account, ``streams`` whether it hears any.

    ``declared`` is what ccxt says of the venue, ``table`` what we know, or do, ourselves.
    """
    told = {name: Capability(value=each, source=DECLARED) for name, each in _declared(venue)}
    table = {name: each for name, each in venue.table.items() if name != "look_up"}
    for name, each in {**table, **_ours(venue)}.items():
        told[name] = Capability(value=each, source=TABLE)
    if not streams:
        told["streams"] = Capability(value=[], source=TABLE)
    told["environments"] = Capability(value=sorted(venue.environments), source=DECLARED)
    told["environment"] = Capability(value=environment, source=DECLARED)
    told["label"] = Capability(value=_label(venue), source=TABLE)
    for name, each in (taken or {}).items():
        before = told.get(name)
        if before is not None and before.value not in _NOTHING:
            told[name] = Capability(value=restrict_value(before.value, each), source=ACCOUNT)
    return told


def _declared(venue: VenueInfo) -> list[tuple[str, Any]]:
    """The fields as ccxt tells them; a kind without features has none."""
    has = venue.declared
    kinds = {kind: has[kind] for kind in _KINDS if kind in has}
    in_force = {kind: sorted(k for k, v in _words(each)) for kind, each in kinds.items()}
    return [
        ("time_in_force", in_force),
        ("post_only", {kind: "PO" in words for kind, words in in_force.items()}),
        ("trigger", {kind: bool(each.get("triggerPrice")) for kind, each in kinds.items()}),
        ("trigger_direction", bool(kinds.get("linear", {}).get("triggerDirection"))),
        ("trailing", {kind: bool(each.get("trailing")) for kind, each in kinds.items()}),
        ("attached_tp_sl", [k for k, v in kinds.items() if v.get("attachedStopLossTakeProfit")]),
        ("hedge", "unified" if kinds.get("linear", {}).get("hedged") else "none"),
        ("read_position_mode", has.get("fetchPositionMode") is True),
        ("edit", dict.fromkeys(kinds, "emulated")),
        ("cancel_all_after", has.get("cancelAllOrdersAfter") is True),
        ("trades", {kind: each["trades"] for kind, each in kinds.items() if "trades" in each}),
        (
            "closed_orders",
            {kind: v["closed_orders"] for kind, v in kinds.items() if "closed_orders" in v},
        ),
        ("streams", [topic for topic, name in _STREAMS.items() if has.get(name)]),
    ]


def _ours(venue: VenueInfo) -> dict[str, Any]:
    """What follows from how this gateway speaks to the venue."""
    profile, kinds = get_profile(venue.id), [kind for kind in _KINDS if kind in venue.declared]
    apart = {kind.value for kind in profile.separate_trigger_kinds}
    types, edit = {}, {}
    for kind in kinds:
        has_trigger = bool(venue.declared[kind].get("triggerPrice"))
        is_sent = has_trigger and profile.supports_triggers(InstrumentKind(kind))
        types[kind] = [*_PLAIN, *(_TRIGGERED if is_sent else ())]
        edit[kind] = _edit(profile, InstrumentKind(kind))
    return {
        "edit": edit,
        "client_id": {
            "rendering": "t- and 28 hex characters" if profile.has_short_client_ids else _HEX,
            "look_up": venue.table.get("look_up", "scan"),
            "unique_for": _UNIQUE_FOR.get(venue.id),
            "absence": _absence(profile),
        },
        "order_types": types,
        "reduce_only": {kind: "checked" if kind == "spot" else "native" for kind in kinds},
        "conditional_list": {
            kind: _list_of(kind, apart, is_tested=venue.is_tested) for kind in kinds
        },
        "edit_fields": ["price", "qty"],
        "request_expiry_ms": REQUEST_EXPIRY_MS if profile.rejects_stale_requests else None,
        "spot_fee_currency": "as told by each execution",
        "contract_size": "as told by each instrument",
    }


def _edit(profile: VenueProfile, kind: InstrumentKind) -> str:
    """How this gateway changes an order there; not what the venue could do."""
    if kind in profile.changes:
        return "native"
    return "replace" if kind in profile.replace_kinds else "emulated"


def _absence(profile: VenueProfile) -> str:
    """What is searched before an order counts as not there."""
    if profile.look_up is LookupMethod.BY_PARAM and not profile.absence_needs_lists:
        return "by name"
    return "lists" if profile.look_up is not LookupMethod.BY_PARAM else "by name, then lists"


def _label(venue: VenueInfo) -> str | None:
    if venue.id in _RECORDED:
        return RECORDED
    return None if venue.is_tested else UNTESTED


def _list_of(kind: str, apart: Collection[str], *, is_tested: bool) -> str | None:
    """Where conditional orders are listed; ``None``: nobody has looked."""
    if kind in apart:
        return "separate"
    return "same" if is_tested else None


def _words(features: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(word, there) for word, there in features.get("timeInForce", {}).items() if there]


def restrict_value(before: Any, wanted: Any) -> Any:
    """``wanted`` where it takes away, ``before`` where it would add."""
    if isinstance(before, list):
        kept = wanted if isinstance(wanted, list) else []
        return [each for each in before if each in kept]
    if wanted in _NOTHING and _is_tree(before):
        return {kind: _nothing(each) for kind, each in before.items()}
    if wanted in _NOTHING:
        return _nothing(before)
    if _is_tree(before) and isinstance(wanted, Mapping):
        return {
            kind: restrict_value(v, wanted[kind]) if kind in wanted else v
            for kind, v in before.items()
        }
    return before


def _is_tree(told: Any) -> bool:
    return isinstance(told, Mapping)


def _nothing(before: Any) -> Any:
    """The word for "cannot" in the form of a field."""
    match before:
        case bool():
            return False
        case str():
            return "none"
        case list():
            return []
    return None
