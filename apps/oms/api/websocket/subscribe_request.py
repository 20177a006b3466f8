"""The payload of a ``subscribe`` frame, and the position where a resumed account begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic_core import PydanticCustomError

from oms.domain.errors import Invalid
from oms.ports.history_reads import HistoryReads
from oms.wire.field_types import read_id
from oms.wire.request_body import malformed_at

NAMESPACES = frozenset(
    {"position", "ccxt", "risk", "signal", "bot", "research", "market", "command"}
)
#: Namespaces that subscribe to account 0, the gateway's own stream.
GATEWAY_NAMESPACES = frozenset({"risk", "signal", "bot", "research", "market"})
ACCOUNTS_MAX = 1000
HEARTBEAT_MS = (1000, 60_000)
RESUME_OVERLAP_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeRequest:
    """A validated subscribe payload."""

    account_ids: tuple[int, ...]
    namespaces: frozenset[str]
    with_snapshot: bool = True
    from_seq: Mapping[int, int] = field(default_factory=dict)
    from_event_id: int | None = None
    strategy_ids: frozenset[int] | None = None
    refresh: bool = True
    #: Whether the marks of open positions are sent, too.
    marks: bool = False
    heartbeat_ms: int | None = None

    @property
    def is_resumed(self) -> bool:
        """Whether it resumes an earlier connection."""
        return bool(self.from_seq) or self.from_event_id is not None


def read_subscribe(payload: Mapping[str, Any]) -> SubscribeRequest:
    """Return the validated payload. Raises ``Malformed``, ``Invalid`` (``missing_account_ids``)."""
    account_ids = _ids(payload.get("account_ids"))
    if not account_ids:
        raise Invalid("account_ids is required", code="missing_account_ids")
    if len(account_ids) > ACCOUNTS_MAX:
        raise malformed_at(("account_ids",), f"at most {ACCOUNTS_MAX} accounts", "too_long")
    event_id = payload.get("from_event_id")
    strategies = payload.get("strategy_ids")
    from_seq = _from_seq(payload.get("from_seq"))
    return SubscribeRequest(
        account_ids=account_ids,
        namespaces=_namespaces(payload.get("namespaces")),
        with_snapshot=_flag(payload, "with_snapshot"),
        from_seq=from_seq,
        from_event_id=None if event_id is None else _id(event_id, "from_event_id"),
        strategy_ids=None if strategies is None else frozenset(_ids(strategies, least=0)),
        refresh=_flag(payload, "refresh") and not from_seq and event_id is None,
        marks=_flag(payload, "marks", default=False),
        heartbeat_ms=_heartbeat(payload.get("heartbeat_ms")),
    )


def read_account_ids(payload: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Return the accounts of an unsubscribe payload; ``None`` is all of them."""
    account_ids = payload.get("account_ids")
    return None if account_ids is None else _ids(account_ids)


async def resume_positions(
    history: HistoryReads, request: SubscribeRequest, account_ids: Sequence[int]
) -> Mapping[int, int]:
    """Return the number after which each resumed account begins. Raises ``Unavailable``."""
    if request.from_event_id is None:
        return {a: request.from_seq[a] for a in account_ids if a in request.from_seq}
    last = await history.locate_event(request.from_event_id)
    if last is None:  # deleted: a gap, then everything that is stored
        return dict.fromkeys(account_ids, 0) | _explicit_positions(request, account_ids)
    account_id, seq, created_at = last
    before = created_at - timedelta(seconds=RESUME_OVERLAP_SECONDS)
    positions = dict(await history.event_seqs_before(account_ids, before))
    if account_id in account_ids:
        positions[account_id] = seq
    return positions | _explicit_positions(request, account_ids)


def _explicit_positions(request: SubscribeRequest, account_ids: Sequence[int]) -> dict[int, int]:
    return {a: request.from_seq[a] for a in account_ids if a in request.from_seq}


def _ids(value: object, least: int = 1) -> tuple[int, ...]:
    """Return the distinct ids of a list or comma-separated text in order; others are dropped."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        parts = [parts]
    ids: dict[int, None] = {}
    for part in parts:
        try:
            ids[read_id(part.strip() if isinstance(part, str) else part, least)] = None
        except PydanticCustomError:
            continue
    return tuple(ids)


def _id(value: object, name: str, least: int = 1) -> int:
    try:
        return read_id(value, least)
    except PydanticCustomError as error:
        raise malformed_at((name,), error.message(), error.type) from None


def _namespaces(value: object) -> frozenset[str]:
    if value is None:
        return frozenset({"position", "ccxt"})
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list):
        words = []
    namespaces = {word.strip().lower() for word in words if isinstance(word, str)} & NAMESPACES
    return frozenset(namespaces) or frozenset({"position"})


def _from_seq(value: object) -> Mapping[int, int]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise malformed_at(
            ("from_seq",), "an object of account ids and numbers is expected", "object"
        )
    return {_id(key, "from_seq", 0): _id(seq, "from_seq", 0) for key, seq in value.items()}


def _flag(payload: Mapping[str, Any], name: str, *, default: bool = True) -> bool:
    value = payload.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise malformed_at((name,), "true or false is expected", "bool_type")
    return value


def _heartbeat(value: object) -> int | None:
    if value is None:
        return None
    number = _id(value, "heartbeat_ms", 0)
    return min(max(number, HEARTBEAT_MS[0]), HEARTBEAT_MS[1])
