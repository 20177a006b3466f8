"""The API's dependencies, built once by ``bootstrap``, and the caller of a request.

There is no injection framework: a route calls ``api_context(request)``.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from starlette.requests import Request
from starlette.types import Scope
from starlette.websockets import WebSocket

from oms.api.browser.browser_access import SESSION_SCOPE_KEY, BrowserAccess, BrowserCaller
from oms.api.browser.csrf import READING_METHODS
from oms.api.client_ip import client_ip
from oms.api.errors import request_id_of
from oms.api.metrics.metric_history import MetricHistory
from oms.api.metrics.request_metrics import RequestMetrics
from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY, RateLimiter, rate_limit_kind
from oms.api.running_exports import RunningExports
from oms.api.signal_services import SignalServices
from oms.api.web_page.csp_reports import CspReportLog
from oms.api.web_page.page_files import PageFolder
from oms.config import Settings
from oms.domain.access import Permission, Principal, refuse_missing_comment, refuse_role
from oms.domain.errors import Forbidden, Invalid, NotFound
from oms.domain.value import value
from oms.ports.admin.deadman_switches import DeadmanStore
from oms.ports.admin.risk_policies import RiskPolicyStore
from oms.ports.admin.user_preferences import UserPreferences
from oms.ports.audit_log import AuditContext
from oms.ports.clock import Clock
from oms.ports.exchange_catalog import ExchangeCatalog
from oms.ports.history_reads import HistoryReads
from oms.ports.idempotent_responses import IdempotentResponses
from oms.ports.kill_switches import KillSwitchStore
from oms.ports.leases import Leases
from oms.ports.mark_prices import MarkPrices
from oms.ports.market.ingestion import IngestionStore
from oms.ports.metrics import MetricsQuery
from oms.ports.notifier import Notifier
from oms.ports.raw_payload_reads import RawPayloadReads
from oms.ports.reconcile_store import ReconcileStore
from oms.ports.runner.task_leases import TaskLeases
from oms.services.access.administer import Administer
from oms.services.access.authenticate import Authenticate
from oms.services.backtests.backtest_runs import BacktestRuns
from oms.services.bots.bot_admin import BotAdmin
from oms.services.bots.read_figures import ReadBotFigures
from oms.services.candles.read_candles import ReadCandles
from oms.services.notifications.sink_admin import SinkAdmin
from oms.services.performance.queries import PerformanceQueries
from oms.services.queries.ledger_queries import LedgerQueries
from oms.services.queries.position_figures import PositionFigures
from oms.services.research.ask_runner import ResearchServices
from oms.services.sharing.share_link_admin import ShareLinkAdmin
from oms.services.submission.account_groups import AccountGroupAdmin
from oms.services.submission.queue_depth import QueueDepthLimiter
from oms.services.submission.result_waiter import ResultWaiter
from oms.services.submission.session_override_admin import SessionOverrideAdmin
from oms.services.submission.submit import Submit
from oms.wire.parameters import COMMENT_CHARACTERS_MAX

IP_CHARACTERS_MAX = 45
COMMAND_HEADERS = frozenset({b"x-api-key", b"authorization", b"prefer", b"idempotency-key"})
"""The headers that ``POST /oms/commands`` reads."""


class WebSocketEndpoint(Protocol):
    """The server of ``/ws``."""

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection to its end."""
        ...

    async def start(self) -> None:
        """Start the background tasks."""
        ...

    def lag_seconds(self) -> float:
        """Return for how many seconds stored events have not been delivered to listeners."""
        ...

    def client_count(self) -> int:
        """Return the number of open connections."""
        ...

    async def stop(self) -> None:
        """Close all connections and stop the background tasks."""
        ...


class StoreHealth(Protocol):
    """Database checks for the health routes."""

    @property
    def dialect(self) -> str:
        """``mysql`` or ``sqlite``."""
        ...

    async def ping(self) -> None:
        """Raise ``Unavailable`` if the database does not answer."""
        ...

    async def supports_program(self, version: str) -> bool:
        """Return whether a program that requires this schema version works on the database."""
        ...

    async def replica_lag_seconds(self) -> float | None:
        """Return how late the replica for reports is; ``None`` without one.

        Raises ``Unavailable`` if it does not answer.
        """
        ...

    async def schema_version(self) -> str | None:
        """Return the revision of the last applied migration. Raises ``Unavailable``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiContext:
    """Services, stores and settings of one API process."""

    settings: Settings
    version: str
    clock: Clock
    authenticate: Authenticate
    browser_access: BrowserAccess
    preferences: UserPreferences
    administer: Administer
    submit: Submit
    signals: SignalServices
    result_waiter: ResultWaiter
    queries: LedgerQueries
    account_groups: AccountGroupAdmin
    history: HistoryReads
    reconciliations: ReconcileStore
    leases: Leases
    task_leases: TaskLeases
    sink_admin: SinkAdmin
    exchange_catalog: ExchangeCatalog
    queue_depths: QueueDepthLimiter
    notifier: Notifier
    health: StoreHealth
    rate_limiter: RateLimiter
    request_metrics: RequestMetrics
    metrics_query: MetricsQuery
    idempotent_responses: IdempotentResponses
    raw_payloads: RawPayloadReads
    kill_switches: KillSwitchStore
    deadman_switches: DeadmanStore
    risk_policies: RiskPolicyStore
    session_overrides: SessionOverrideAdmin
    performance: PerformanceQueries
    share_links: ShareLinkAdmin
    read_candles: ReadCandles
    ingestions: IngestionStore
    research: ResearchServices
    backtests: BacktestRuns
    bots: BotAdmin
    bot_figures: ReadBotFigures
    #: Mark prices of open positions; without it positions are returned without marks.
    mark_prices: MarkPrices | None = None
    #: Matched views of positions; without it positions are returned without them.
    position_figures: PositionFigures | None = None
    #: The migration revision this version needs; ``None``: not checked.
    schema_expected: str | None = None
    websocket: WebSocketEndpoint | None = None
    #: The built page; without it ``/ui/`` is an unknown path.
    page: PageFolder | None = None
    csp_reports: CspReportLog = field(default_factory=CspReportLog)
    running_exports: RunningExports = field(default_factory=RunningExports)
    #: Figures of this process over the last day.
    metric_history: MetricHistory = field(default_factory=MetricHistory)
    #: Called last at shutdown.
    close: Callable[[], Awaitable[None]] | None = None


@value
class Caller:
    """The authenticated principal of a request and its IP address."""

    principal: Principal
    ip: str


def api_context(request: Request) -> ApiContext:
    """Return the context of the application that serves ``request``."""
    context: ApiContext = request.app.state.api_context
    return context


def request_headers(scope: Scope) -> Mapping[str, str]:
    """Return the headers that commands use, by name; of several with one name, the first."""
    return {
        name.decode("latin-1"): text.decode("latin-1")
        for name, text in reversed(scope["headers"])
        if name in COMMAND_HEADERS
    }


def read_credential(headers: Mapping[str, str]) -> str | None:
    """Return the API key of ``x-api-key``, else of ``Authorization: Bearer``, else ``None``."""
    key = headers.get("x-api-key")
    if key is None:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
    return key.strip()


async def admit_caller(request: Request) -> Caller:
    """Return the authenticated caller and charge the rate limit of his key.

    Raises ``Unauthenticated``, ``Unavailable``, ``RateLimited``.
    """
    context = api_context(request)
    caller = await identify_caller(request.scope, request.headers, context)
    kind = rate_limit_kind(request.scope["path"])
    request.scope[RATE_LIMIT_SCOPE_KEY] = context.rate_limiter.take(
        caller.principal.api_key_id, kind
    )
    return caller


async def identify_caller(scope: Scope, headers: Mapping[str, str], context: ApiContext) -> Caller:
    """Return the authenticated caller without charging a rate limit.

    Raises ``Unauthenticated``, ``Unavailable``.
    """
    ip = client_ip(scope, context.settings.trusted_proxies)
    credential = read_credential(headers)
    if credential is None and "authorization" not in headers:
        return Caller(principal=await context.browser_access(scope, ip), ip=ip)
    return Caller(principal=await context.authenticate(credential, ip), ip=ip)


async def require_permission(request: Request, permission: Permission) -> Caller:
    """Return the caller as ``admit_caller`` does. Raises ``Forbidden`` if his role lacks it."""
    caller = await admit_caller(request)
    refused = refuse_role(caller.principal, permission)
    if refused is not None:
        raise Forbidden(refused.message, code=refused.code)
    if permission is Permission.ADMIN and request.method not in READING_METHODS:
        await require_confirmed(request, caller, permission)
    return caller


async def needs_confirmation(request: Request, caller: Caller, permission: Permission) -> bool:
    """Return whether the user of a browser session has to confirm his identity first.

    Keys and tokens need none, nor does a role without the permission: it is refused for that. A
    session that is not confirmed is read again: another process may have confirmed it, or this one
    during a read.
    """
    session = caller.principal.session
    if session is None or refuse_role(caller.principal, permission) is not None:
        return False
    context = api_context(request)
    now = context.clock.now()
    if session.is_confirmed(now):
        return False
    known: BrowserCaller = request.scope[SESSION_SCOPE_KEY]
    stored = await context.authenticate.reread_session(known.text, caller.ip)
    return stored.session is None or not stored.session.is_confirmed(now)


async def require_confirmed(request: Request, caller: Caller, permission: Permission) -> None:
    """Refuse a dangerous change without a confirmation of a short time ago.

    Raises ``Forbidden`` (``confirmation_required``), ``Unauthenticated`` if the session has ended.
    """
    if await needs_confirmation(request, caller, permission):
        message = "confirm your identity with POST /auth/session/confirm, then repeat the request"
        raise Forbidden(message, code="confirmation_required")


async def require_change(request: Request, permission: Permission) -> Caller:
    """Return the caller of a request that changes something and whose body has no comment.

    Raises ``Forbidden`` if the role lacks the permission, ``Invalid`` (``comment_required``) if the
    role needs the header ``X-Comment``.
    """
    caller = await require_permission(request, permission)
    comment = request.headers.get("x-comment")
    refused = refuse_missing_comment(caller.principal, permission, comment)
    if refused is not None:
        raise Invalid(refused.message, code=refused.code)
    return caller


def audit_context_of(request: Request, caller: Caller, comment: str | None = None) -> AuditContext:
    """Return the caller for an audit entry.

    Its comment is ``comment``, else the header ``X-Comment``, cut to
    ``COMMENT_CHARACTERS_MAX``.
    """
    text = comment or request.headers.get("x-comment") or None
    return AuditContext(
        actor=caller.principal.user_name,
        at=api_context(request).clock.now(),
        user_id=caller.principal.user_id,
        api_key_id=caller.principal.api_key_id,
        role=caller.principal.role.value,
        ip=caller.ip[:IP_CHARACTERS_MAX],
        comment=None if text is None else text[:COMMENT_CHARACTERS_MAX],
        request_id=request_id_of(request),
    )


def parse_account_id(text: str) -> int:
    """Return the account id of a path segment. Raises ``NotFound`` if it is none."""
    if not text.isascii() or not text.isdigit() or len(text) > 16 or int(text) == 0:
        raise NotFound("there is no such account", code="account_not_found")
    return int(text)
