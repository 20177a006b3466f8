"""What the routes need, given once by the composition root; and who is asking.

No injection framework: a route takes ``doors(request)`` and asks.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.types import Scope
from starlette.websockets import WebSocket

from oms.api.client_ip import client_ip
from oms.api.errors import request_id_of
from oms.api.metrics.request_metrics import RequestMetrics
from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY, RateLimiter, rate_limit_kind
from oms.config import Settings
from oms.domain.access import Permission, Principal, refuse_role
from oms.domain.errors import Forbidden, NotFound
from oms.domain.value import value
from oms.ports.audit_log import AuditContext
from oms.ports.clock import Clock
from oms.ports.history_reads import HistoryReads
from oms.ports.idempotent_responses import IdempotentResponses
from oms.ports.kill_switches import KillSwitchStore
from oms.ports.leases import Leases
from oms.ports.mark_prices import MarkPrices
from oms.ports.metrics import MetricsQuery
from oms.ports.notifier import Notifier
from oms.ports.raw_payload_reads import RawPayloadReads
from oms.ports.reconcile_store import ReconcileStore
from oms.services.access.administer import Administer
from oms.services.access.authenticate import Authenticate
from oms.services.queries.ledger_queries import LedgerQueries
from oms.services.submission.queue_depth import QueueDepthLimiter
from oms.services.submission.result_waiter import ResultWaiter
from oms.services.submission.submit import Submit

COMMENT_CHARACTERS_MAX = 255
IP_CHARACTERS_MAX = 45


class WebSocketEndpoint(Protocol):
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
class ApiContext:
    """All that the API is made of."""

    settings: Settings
    version: str
    clock: Clock
    authenticate: Authenticate
    administer: Administer
    submit: Submit
    waiting: ResultWaiter
    reads: LedgerQueries
    history: HistoryReads
    reconciliations: ReconcileStore
    leases: Leases
    depths: QueueDepthLimiter
    bell: Notifier
    health: StoreHealth
    budgets: RateLimiter
    request_metrics: RequestMetrics
    figures: MetricsQuery
    replies: IdempotentResponses
    raw: RawPayloadReads
    kills: KillSwitchStore
    #: What open positions are worth; without it reads show no marks.
    marks: MarkPrices | None = None
    #: The schema this program was made for; ``None`` where that is not checked.
    schema_expected: str | None = None
    sockets: WebSocketEndpoint | None = None
    #: Called last when the process stops.
    close: Callable[[], Awaitable[None]] | None = None


@value
class Caller:
    """Who asks, and from where."""

    principal: Principal
    ip: str


def api_context(request: Request) -> ApiContext:
    """The parts of the application that serves ``request``."""
    context: ApiContext = request.app.state.api_context
    return context


def request_headers(scope: Scope) -> Mapping[str, str]:
    """The headers of a request by their names in lower case; of several of one name the first."""
    return {
        name.decode("latin-1"): text.decode("latin-1") for name, text in reversed(scope["headers"])
    }


def read_credential(headers: Mapping[str, str]) -> str | None:
    """The key that was sent: ``x-api-key``, else ``Authorization: Bearer``."""
    key = headers.get("x-api-key")
    if key is None:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
    return key.strip()


async def admit_caller(request: Request) -> Caller:
    """Who sent ``request``, whose budget it uses.

    Raises ``Unauthenticated``, ``Unavailable``, ``RateLimited``.
    """
    who = await identify_caller(request.scope, request.headers, api_context(request))
    kind = rate_limit_kind(request.scope["path"])
    request.scope[RATE_LIMIT_SCOPE_KEY] = api_context(request).budgets.take(
        who.principal.api_key_id, kind
    )
    return who


async def identify_caller(scope: Scope, headers: Mapping[str, str], context: ApiContext) -> Caller:
    """Who sent a request; no budget is used. Raises ``Unauthenticated``, ``Unavailable``."""
    ip = client_ip(scope, headers, context.settings.trusted_proxies)
    principal = await context.authenticate(read_credential(headers), ip)
    return Caller(principal=principal, ip=ip)


async def require_permission(request: Request, permission: Permission) -> Caller:
    """Who sent ``request``, whose role must allow it. Raises as ``caller``, and ``Forbidden``."""
    who = await admit_caller(request)
    refused = refuse_role(who.principal, permission)
    if refused is not None:
        raise Forbidden(refused.message, code=refused.code)
    return who


def audit_actor(request: Request, who: Caller, comment: str | None = None) -> AuditContext:
    """The caller as the audit log names him; the comment of the body, else of ``X-Comment``."""
    said = comment or request.headers.get("x-comment") or None
    return AuditContext(
        actor=who.principal.user_name,
        at=api_context(request).clock.now(),
        user_id=who.principal.user_id,
        api_key_id=who.principal.api_key_id,
        role=who.principal.role.value,
        ip=who.ip[:IP_CHARACTERS_MAX],
        comment=None if said is None else said[:COMMENT_CHARACTERS_MAX],
        request_id=request_id_of(request),
    )


def parse_account_id(text: str) -> int:
    """The account that a path names. Raises ``NotFound``."""
    if not text.isascii() or not text.isdigit() or len(text) > 16 or int(text) == 0:
        raise NotFound("there is no such account", code="account_not_found")
    return int(text)
