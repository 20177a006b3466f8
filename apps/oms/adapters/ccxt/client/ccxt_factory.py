"""Creates the ccxt object of an account: settings, host guard, environment. Sends nothing."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import field
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any

from oms.adapters.ccxt.client.ccxt_patch import ignore_ccxt_patch, is_own_class
from oms.adapters.ccxt.client.guarded_exchange import guard_exchange_class
from oms.adapters.ccxt.client.host_guard import build_host_guard
from oms.adapters.ccxt.client.http_session import create_tls_context, new_session
from oms.adapters.ccxt.client.request_errors import NotSent
from oms.adapters.ccxt.extra_config import RECEIVE_WINDOW_MS, ExtraConfig, parse_extra_config
from oms.adapters.ccxt.ratelimit.request_throttle import RequestThrottle
from oms.adapters.ccxt.venues.catalog import VenueInfo, load_venues
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.errors import Invalid
from oms.domain.value import value
from oms.logs import hide_secret

#: ccxt's two trees import each other's modules: two threads that import them deadlock.
_IMPORT_LOCK = Lock()
TIMEOUT_MS = 10_000
#: ccxt's own limiter lets through this many times the rate that ccxt assumes.
_CCXT_LIMIT_FACTOR = 10


@value
class ClientSpec:
    """What a client needs of an account; secrets are plain text and stay in memory."""

    account_id: int
    #: ccxt's exchange id, the part of ``exchange_id`` after the dot.
    venue: str
    #: ``ccxt`` or ``ccxtpro``.
    engine: str
    environment: str
    api_key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    extra_config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: Whether other accounts, perhaps of other workers, share the budget of the key.
    is_key_shared: bool = False
    #: The venue's id of the account that earlier credentials belonged to.
    owner: str | None = None
    #: The folder of the market tables.
    cache_folder: Path


async def create_ccxt_exchange(
    spec: ClientSpec, throttle: RequestThrottle, on_call: Callable[[str], None]
) -> tuple[Any, Any]:
    """Returns the ccxt object in its environment, and its session; the caller closes both.

    ``on_call`` is called with each URL. Raises ``NotSent``.
    """
    for secret in (spec.api_key, spec.secret, spec.passphrase):
        hide_secret(secret)
    venue = load_venues().get(spec.venue)
    if venue is None:
        raise NotSent("engine_unavailable", f"there is no exchange {spec.venue}")
    extra = _parse_config(spec, venue)
    base = await asyncio.to_thread(load_ccxt_class, spec.engine, spec.venue)
    tls = await asyncio.to_thread(_create_tls, extra)
    guard = build_host_guard(
        venue, spec.environment, allowed_hosts=extra.allowed_hosts, resolve=extra.resolve
    )
    session = new_session(tls, extra.resolve, only_loopback=spec.environment == "loopback")
    try:
        exchange = guard_exchange_class(base, guard, throttle, on_call)(
            {**_constructor_args(spec, extra), "session": session}
        )
        _relax_ccxt_throttler(exchange)
        exchange.ssl_context = tls
        _select_environment(exchange, spec.environment, venue, extra)
    except BaseException:
        await session.close()
        raise
    return exchange, session


def _parse_config(spec: ClientSpec, venue: VenueInfo) -> ExtraConfig:
    try:
        return parse_extra_config(spec.extra_config, venue, spec.environment)
    except Invalid as error:
        raise NotSent(error.code, error.message) from None


def _create_tls(extra: ExtraConfig) -> Any:
    try:
        return create_tls_context(extra.ccxt.get("cafile"), verify=extra.verify)
    except OSError as error:
        raise NotSent("extra_config_refused", f"cafile cannot be read: {error}") from None


def _constructor_args(spec: ClientSpec, extra: ExtraConfig) -> dict[str, Any]:
    """Arguments of the ccxt class, without its session."""
    fixed: dict[str, Any] = {
        "apiKey": spec.api_key,
        "secret": spec.secret,
        "password": spec.passphrase,
        "enableRateLimit": True,
        # A leaky bucket would let each call wait for the one before it, however long ago that was.
        "rateLimiterAlgorithm": "rollingWindow",
        "asyncio_loop": asyncio.get_running_loop(),
        "aiohttp_trust_env": False,
        "timeout": extra.ccxt.get("timeout", TIMEOUT_MS),
    }
    options = {
        "recvWindow": RECEIVE_WINDOW_MS,
        "adjustForTimeDifference": True,
        **_venue_options(spec),
        **extra.ccxt.get("options", {}),
        # With 2, one HTTP 502 after the order was accepted makes two orders.
        "maxRetriesOnFailure": 0,
    }
    settings: dict[str, Any] = _to_plain_numbers({**extra.ccxt, **fixed, "options": options})
    return settings


def _relax_ccxt_throttler(exchange: Any) -> None:
    """Makes ccxt's own limiter stop only a runaway loop.

    It knows no priorities: a cancel would wait behind earlier requests for up to a whole window.
    ``RequestThrottle`` keeps the venue's limits before it.
    """
    exchange.tokenBucket = {
        **exchange.tokenBucket,
        "rateLimit": exchange.rateLimit / _CCXT_LIMIT_FACTOR,
    }
    exchange.init_throttler()


def _to_plain_numbers(value: Any) -> Any:
    """Converts decimals in settings to numbers, which is all that ccxt reads there."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dict():
            return {key: _to_plain_numbers(each) for key, each in value.items()}
        case list():
            return [_to_plain_numbers(each) for each in value]
    return value


def _venue_options(spec: ClientSpec) -> Mapping[str, Any]:
    profile = get_profile(spec.venue)
    return {**profile.ccxt_options, **profile.environment_options.get(spec.environment, {})}


def _select_environment(
    exchange: Any, environment: str, venue: VenueInfo, extra: ExtraConfig
) -> None:
    """Selects the environment before any other use of the object; then exact numbers as text."""
    if environment == "loopback":
        has_tree = "test" in extra.ccxt.get("urls", {})
        if has_tree or ("testnet" in venue.environments and not extra.resolve):
            environment = "testnet"
    if environment == "testnet":
        exchange.set_sandbox_mode(True)
    elif environment == "demo":
        exchange.enable_demo_trading(True)
    exchange.number = str


def load_ccxt_class(engine: str, venue: str) -> type[Any]:
    """Returns a venue's ccxt class. The first import takes seconds: call it in a thread.

    Raises ``NotSent`` (``engine_unavailable``), also for a class that is not ccxt's own.
    """
    try:
        with _IMPORT_LOCK:
            ignore_ccxt_patch()
            if engine == "ccxtpro":
                import ccxt.pro as library  # type: ignore[import-untyped]
            else:
                import ccxt.async_support as library  # type: ignore[import-untyped]
        found: type[Any] = getattr(library, venue)
    except (ImportError, AttributeError) as error:
        raise NotSent("engine_unavailable", f"{engine}.{venue}: {error}") from None
    if not is_own_class(found):
        message = f"{engine}.{venue}: {found.__module__} has replaced the class of ccxt"
        raise NotSent("engine_unavailable", message)
    return found
