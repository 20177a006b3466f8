"""What the routes need, given once by the composition root; and who is asking.

No injection framework: a route takes ``doors(request)`` and asks.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.types import Scope
from starlette.websockets import WebSocket

from oms.api.budgets import BUDGET, Budgets, kind_of
from oms.api.errors import request_id_of
from oms.api.peer import peer
from oms.api.tally import Tally
from oms.config import Settings
from oms.domain.access import Permission, Principal, refuse_role
from oms.domain.errors import Forbidden, NotFound
from oms.domain.value import value
from oms.ports.audit_log import Hand
from oms.ports.clock import Clock
from oms.ports.figures import Figures
from oms.ports.history import History
from oms.ports.kills import Kills
from oms.ports.leases import Leases
from oms.ports.marks import Marks
from oms.ports.raw_reads import RawRows
from oms.ports.reconciliation import Reconciliations
from oms.ports.replies import Replies
from oms.ports.wakeup import Doorbell
from oms.services.administer import Administer
from oms.services.authenticate import Authenticate
from oms.services.depth import Depths
from oms.services.reads import Reads
from oms.services.submit import Submit
from oms.services.waiting import Waiting

COMMENT_CHARACTERS_MAX = 255
IP_CHARACTERS_MAX = 45


class SocketDoor(Protocol):
    """The WebSocket door."""

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection to its end."""
        ...

    async def start(self) -> None:
        """Begin background work."""
        ...

    def lag_seconds(self) -> float:
        """For how long events are stored and not told to who listens."""
        ...

    async def stop(self) -> None:
        """Close all connections and end background work."""
        ...


class StoreHealth(Protocol):
    """What health checks ask of the database."""

    @property
    def dialect(self) -> str:
        """``mysql`` or ``sqlite``."""
        ...

    async def ping(self) -> None:
        """Raises ``Unavailable`` if the database does not answer."""
        ...

    async def schema_version(self) -> str | None:
        """The last migration applied. Raises ``Unavailable``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """All that the API is made of."""

    settings: Settings
    version: str
    clock: Clock
    authenticate: Authenticate
    administer: Administer
    submit: Submit
    waiting: Waiting
    reads: Reads
    history: History
    reconciliations: Reconciliations
    leases: Leases
    depths: Depths
    bell: Doorbell
    health: StoreHealth
    budgets: Budgets
    tally: Tally
    figures: Figures
    replies: Replies
    raw: RawRows
    kills: Kills
    #: What open positions are worth; without it reads show no marks.
    marks: Marks | None = None
    #: The schema this program was made for; ``None`` where that is not checked.
    schema_expected: str | None = None
    sockets: SocketDoor | None = None
    #: Called last when the process stops.
    close: Callable[[], Awaitable[None]] | None = None


@value
class Caller:
    """Who asks, and from where."""

    principal: Principal
    ip: str


def doors(request: Request) -> Doors:
    """The parts of the application that serves ``request``."""
    parts: Doors = request.app.state.doors
    return parts


def sent_headers(scope: Scope) -> Mapping[str, str]:
    """The headers of a request by their names in lower case; of several of one name the first."""
    return {
        name.decode("latin-1"): text.decode("latin-1") for name, text in reversed(scope["headers"])
    }


def credential(headers: Mapping[str, str]) -> str | None:
    """The key that was sent: ``x-api-key``, else ``Authorization: Bearer``."""
    key = headers.get("x-api-key")
    if key is None:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
    return key.strip()


async def caller(request: Request) -> Caller:
    """Who sent ``request``, whose budget it uses.

    Raises ``Unauthenticated``, ``Unavailable``, ``RateLimited``.
    """
    who = await identified(request.scope, request.headers, doors(request))
    kind = kind_of(request.scope["path"])
    request.scope[BUDGET] = doors(request).budgets.take(who.principal.api_key_id, kind)
    return who


async def identified(scope: Scope, headers: Mapping[str, str], parts: Doors) -> Caller:
    """Who sent a request; no budget is used. Raises ``Unauthenticated``, ``Unavailable``."""
    ip = peer(scope, headers, parts.settings.trusted_proxies)
    principal = await parts.authenticate(credential(headers), ip)
    return Caller(principal=principal, ip=ip)


async def admitted(request: Request, permission: Permission) -> Caller:
    """Who sent ``request``, whose role must allow it. Raises as ``caller``, and ``Forbidden``."""
    who = await caller(request)
    refused = refuse_role(who.principal, permission)
    if refused is not None:
        raise Forbidden(refused.message, code=refused.code)
    return who


def hand_of(request: Request, who: Caller, comment: str | None = None) -> Hand:
    """The caller as the audit log names him; the comment of the body, else of ``X-Comment``."""
    said = comment or request.headers.get("x-comment") or None
    return Hand(
        actor=who.principal.user_name,
        at=doors(request).clock.now(),
        user_id=who.principal.user_id,
        api_key_id=who.principal.api_key_id,
        role=who.principal.role.value,
        ip=who.ip[:IP_CHARACTERS_MAX],
        comment=None if said is None else said[:COMMENT_CHARACTERS_MAX],
        request_id=request_id_of(request),
    )


def account_id_of(text: str) -> int:
    """The account that a path names. Raises ``NotFound``."""
    if not text.isascii() or not text.isdigit() or len(text) > 16 or int(text) == 0:
        raise NotFound("there is no such account", code="account_not_found")
    return int(text)
