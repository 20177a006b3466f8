"""What a venue can do in an environment, each field with its source. ccxt is not imported.

``declared`` is what ccxt declares, ``table`` is the gateway's and wins, ``account`` is what the
settings of an account restrict. Settings add nothing, and nothing is tried at the venue.
"""

from collections.abc import Collection, Mapping
from typing import Any

from oms.adapters.ccxt.venues.catalog import VenueInfo
from oms.adapters.ccxt.venues.profile import CancelTimer, LookupMethod, VenueProfile
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.order_types import ORDER_TYPES, TRAILING_STOP
from oms.domain.value import value

DECLARED, TABLE, ACCOUNT = "declared", "table", "account"
UNTESTED = "untested"
#: Tested against recorded or documented replies through ccxt, never at the venue.
RECORDED = "recorded"
_KINDS = ("spot", "linear", "inverse")
_STREAMS = {
    "orders": "watchOrders",
    "trades": "watchMyTrades",
    "positions": "watchPositions",
    "balance": "watchBalance",
}
#: Order types sent everywhere, and those sent where triggers are supported.
_PLAIN_TYPES = ("market", "limit")
_TRIGGER_TYPES = tuple(each.name for each in ORDER_TYPES.values() if each.needs_trigger_price)
REQUEST_EXPIRY_MS = 5000
_FULL_ID_FORMAT = "32 hex characters"
#: Values that mean "not available".
_UNAVAILABLE = (False, "none", None)


@value
class Capability:
    """One field: its value and its source."""

    value: Any
    source: str


def build_capabilities(
    venue: VenueInfo,
    environment: str,
    restrictions: Mapping[str, Any] | None = None,
    *,
    streams: bool = True,
) -> dict[str, Capability]:
    """Returns capabilities by name; ``restrictions`` is ``oms.capabilities`` of an account.

    ``streams`` says whether the account's engine has streams.
    """
    fields = {
        name: Capability(value=each, source=DECLARED) for name, each in _declared_fields(venue)
    }
    table = {name: each for name, each in venue.table.items() if name != "look_up"}
    for name, each in {**table, **_own_fields(venue)}.items():
        fields[name] = Capability(value=each, source=TABLE)
    if not streams:
        fields["streams"] = Capability(value=[], source=TABLE)
    fields["environments"] = Capability(value=sorted(venue.environments), source=DECLARED)
    fields["environment"] = Capability(value=environment, source=DECLARED)
    fields["label"] = Capability(value=_label(venue), source=TABLE)
    for name, each in (restrictions or {}).items():
        current = fields.get(name)
        if current is not None and current.value not in _UNAVAILABLE:
            fields[name] = Capability(value=restrict_value(current.value, each), source=ACCOUNT)
    return fields


def _declared_fields(venue: VenueInfo) -> list[tuple[str, Any]]:
    """The fields that ccxt declares; a kind without features has none."""
    has = venue.declared
    kinds = {kind: has[kind] for kind in _KINDS if kind in has}
    contracts = kinds.get("linear") or kinds.get("inverse") or {}
    return [
        ("post_only", {kind: "PO" in _supported_times(each) for kind, each in kinds.items()}),
        ("trigger", {kind: bool(each.get("triggerPrice")) for kind, each in kinds.items()}),
        ("trigger_direction", bool(contracts.get("triggerDirection"))),
        ("attached_tp_sl", [k for k, v in kinds.items() if v.get("attachedStopLossTakeProfit")]),
        ("hedge", "unified" if contracts.get("hedged") else "none"),
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


def _own_fields(venue: VenueInfo) -> dict[str, Any]:
    """The fields that follow from how this gateway uses the venue."""
    profile, kinds = get_profile(venue.id), [kind for kind in _KINDS if kind in venue.declared]
    separate_kinds = {kind.value for kind in profile.trigger_list_params}
    types, edit = {}, {}
    for kind in kinds:
        has_trigger = all(venue.declared[kind].get(name) for name in _trigger_features(profile))
        is_sent = has_trigger and profile.supports_triggers(InstrumentKind(kind))
        unsupported = profile.unsupported_types.get(InstrumentKind(kind), ())
        sent = (*_PLAIN_TYPES, *(_TRIGGER_TYPES if is_sent else ()))
        trailing = (TRAILING_STOP,) if InstrumentKind(kind) in profile.trailing_distances else ()
        types[kind] = [each for each in (*sent, *trailing) if each not in unsupported]
        edit[kind] = _amend_mode(profile, InstrumentKind(kind))
    sends_triggers = any(each in sent for sent in types.values() for each in _TRIGGER_TYPES)
    return {
        "edit": edit,
        "client_id": {
            "rendering": "t- and 28 hex characters"
            if profile.has_short_client_ids
            else _FULL_ID_FORMAT,
            "look_up": venue.table.get("look_up", "scan"),
            "unique_for": profile.client_id_scope,
            "absence": _absence(profile),
        },
        "order_types": types,
        "time_in_force": {
            kind: _sent_times(profile, InstrumentKind(kind), venue.declared[kind]) for kind in kinds
        },
        "expiry": dict.fromkeys(kinds, "emulated"),
        "trailing": {kind: InstrumentKind(kind) in profile.trailing_distances for kind in kinds},
        "native_exits": {kind: InstrumentKind(kind) in profile.native_exit_kinds for kind in kinds},
        "reduce_only": {kind: "checked" if kind == "spot" else "native" for kind in kinds},
        "conditional_list": {
            kind: _conditional_list(kind, separate_kinds, is_tested=venue.is_tested)
            for kind in kinds
        },
        "edit_fields": [
            *("price", "qty", "expires_at"),
            *(["trigger_price"] if sends_triggers else []),
        ],
        "deadman_timer_seconds": _timer_seconds(profile.cancel_timer),
        "order_batch": {kind: profile.batch_size(InstrumentKind(kind)) for kind in kinds},
        "request_expiry_ms": REQUEST_EXPIRY_MS if profile.rejects_stale_requests else None,
        "spot_fee_currency": "as reported by each execution",
        "contract_size": "as reported by each instrument",
    }


def _timer_seconds(timer: CancelTimer | None) -> list[int] | None:
    return None if timer is None else [timer.seconds[0], timer.seconds[-1]]


def _trigger_features(profile: VenueProfile) -> tuple[str, ...]:
    """What ccxt declares where the parameters of triggers that are sent are supported."""
    return ("stopLossPrice", "takeProfitPrice") if profile.has_typed_triggers else ("triggerPrice",)


def _amend_mode(profile: VenueProfile, kind: InstrumentKind) -> str:
    """How this gateway amends an order there; not what the venue could do."""
    if kind in profile.amend_kinds:
        return "native"
    return "replace" if kind in profile.replace_kinds else "emulated"


def _absence(profile: VenueProfile) -> str:
    """What is searched before an order counts as absent."""
    if profile.lookup_method is LookupMethod.BY_PARAM and not profile.absence_needs_lists:
        return "by name"
    return "lists" if profile.lookup_method is not LookupMethod.BY_PARAM else "by name, then lists"


def _label(venue: VenueInfo) -> str | None:
    if get_profile(venue.id).is_recorded:
        return RECORDED
    return None if venue.is_tested else UNTESTED


def _conditional_list(kind: str, separate_kinds: Collection[str], *, is_tested: bool) -> str | None:
    """Where conditional orders are listed; ``None``: not known."""
    if kind in separate_kinds:
        return "separate"
    return "same" if is_tested else None


def _sent_times(
    profile: VenueProfile, kind: InstrumentKind, features: Mapping[str, Any]
) -> list[str]:
    unsupported = profile.unsupported_time_in_force.get(kind, frozenset())
    return sorted((_supported_times(features) | {"GTD"}) - unsupported)


def _supported_times(features: Mapping[str, Any]) -> set[str]:
    declared = features.get("timeInForce", {})
    return {word for word, is_supported in declared.items() if is_supported}


def restrict_value(current: Any, requested: Any) -> Any:
    """Returns ``requested`` where it restricts, ``current`` where it would add."""
    if isinstance(current, list):
        allowed = requested if isinstance(requested, list) else []
        return [each for each in current if each in allowed]
    if requested in _UNAVAILABLE and _is_mapping(current):
        return {kind: _unavailable_value(each) for kind, each in current.items()}
    if requested in _UNAVAILABLE:
        return _unavailable_value(current)
    if _is_mapping(current) and isinstance(requested, Mapping):
        return {
            kind: restrict_value(v, requested[kind]) if kind in requested else v
            for kind, v in current.items()
        }
    return current


def _is_mapping(fields: Any) -> bool:
    return isinstance(fields, Mapping)


def _unavailable_value(current: Any) -> Any:
    """ "Not available" in the form of a field."""
    match current:
        case bool():
            return False
        case str():
            return "none"
        case list():
            return []
    return None
