"""``extra_config_json`` of accounts at real exchanges: the keys allowed, split by who reads them.

Keys that would change the environment, leak a signed request or send it twice are refused.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from oms.adapters.ccxt.client.host_guard import build_host_guard, is_loopback, split_url
from oms.adapters.ccxt.client.request_errors import HostMismatch
from oms.adapters.ccxt.venues.catalog import VenueInfo, load_venues
from oms.adapters.ccxt.venues.production_hosts import is_production_host
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.errors import Invalid
from oms.domain.value import value

#: Passed to ccxt's constructor; a key of no list is stored and ignored.
_CCXT_KEYS = frozenset(
    (
        *("urls", "hostname", "options", "timeout", "headers", "userAgent", "rateLimit"),
        *("enableRateLimit", "cafile", "httpProxy", "httpsProxy", "socksProxy"),
        *("wsProxy", "wssProxy", "wsSocksProxy"),
    )
)
#: Credentials belong in the vault.
_CREDENTIAL_KEYS = frozenset(
    (
        *("apiKey", "secret", "password", "uid", "login", "privateKey", "walletAddress"),
        *("token", "twofa"),
    )
)
#: They would change the environment, or send a request twice, unseen or to a third party.
_REFUSED_KEYS = frozenset(
    (
        *("sandbox", "testnet", "maxRetriesOnFailure", "session", "own_session"),
        *("proxyUrl", "proxy_url", "proxyUrlCallback", "proxy", "proxy_url_callback"),
    )
)
_REFUSED_OPTIONS = frozenset(
    (
        *("sandboxMode", "sandbox", "testnet", "enableDemoTrading", "session", "own_session"),
        *("maxRetriesOnFailure", "maxRetriesOnFailureDelay"),
    )
)
_HOSTNAME = re.compile(r"[A-Za-z0-9.-]+(:\d+)?")
#: How long a request counts at the exchange, by default and at most.
RECEIVE_WINDOW_MS = 5_000
RECEIVE_WINDOW_MS_MAX = 60_000
_TEST_ENVIRONMENTS = ("testnet", "demo")
_POLICIES = ("close", "resend")


@value
class ExtraConfig:
    """``ccxt`` goes to ccxt's constructor, the other fields are read by this adapter."""

    ccxt: Mapping[str, Any] = field(default_factory=dict)
    verify: bool = True
    allowed_hosts: Sequence[str] = ()
    resolve: Mapping[str, str] = field(default_factory=dict)
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    unknown_policy: str = "close"
    inflight_writes_max: int | None = None
    provisional_deals: bool = True

    @property
    def receive_window_ms(self) -> int:
        """How long a request counts at the exchange after its timestamp."""
        return int(self.ccxt.get("options", {}).get("recvWindow", RECEIVE_WINDOW_MS))


def refuse_forbidden_keys(config: Mapping[str, Any]) -> None:
    """Raises ``Invalid`` for keys that no account may have, whatever its engine."""
    for key in config:
        if key in _CREDENTIAL_KEYS:
            raise config_refusal(
                key, "is a credential: credentials are stored encrypted, not configured"
            )
        if key in _REFUSED_KEYS:
            raise config_refusal(key, "may not be set")


def parse_extra_config(config: Any, venue: VenueInfo, environment: str) -> ExtraConfig:
    """Returns the settings of an account. Raises ``Invalid`` (``extra_config_refused``)."""
    if not isinstance(config, Mapping):
        raise config_refusal("", "an object is expected")
    own_settings = config.get("oms", {})
    if not isinstance(own_settings, Mapping):
        raise config_refusal("oms", "an object is expected")
    refuse_forbidden_keys(config)
    for key, each in config.items():
        _check_key(key, each, environment)
    merged = {key: each for key, each in config.items() if key in _CCXT_KEYS}
    extra = _parse_own_settings(own_settings, venue, environment)
    for path, url in _string_leaves(merged.get("urls", {}), ("urls",)):
        _check_url(path, url, venue, environment, extra)
    return ExtraConfig(
        ccxt=merged,
        verify=config.get("verify", True),
        allowed_hosts=extra.allowed_hosts,
        resolve=extra.resolve,
        capabilities=extra.capabilities,
        unknown_policy=extra.unknown_policy,
        inflight_writes_max=extra.inflight_writes_max,
        provisional_deals=extra.provisional_deals,
    )


def price_environment(config: Mapping[str, Any]) -> str:
    """Returns the environment of a paper account's live prices.

    It is ``loopback`` where the settings redirect them to this machine, else ``live``.
    """
    own_settings = config.get("oms") or {}
    is_redirected = config.get("urls") or (
        isinstance(own_settings, Mapping) and own_settings.get("resolve")
    )
    return "loopback" if is_redirected else "live"


def _check_key(key: str, config: Any, environment: str) -> None:
    if key == "enableRateLimit" and config is not True:
        raise config_refusal(key, "is always true")
    if key == "verify" and (
        not isinstance(config, bool) or (not config and environment != "loopback")
    ):
        raise config_refusal(key, "may be false in the environment loopback only")
    if key in ("options", "urls", "headers") and not isinstance(config, Mapping):
        raise config_refusal(key, "an object is expected")
    if key == "hostname" and not _HOSTNAME.fullmatch(str(config)):
        raise config_refusal(key, "a host is expected")
    if key == "options":
        for path, name in _all_keys(config, ("options",)):
            if name in _REFUSED_OPTIONS:
                raise config_refusal(path, "may not be set")
        _check_receive_window(config.get("recvWindow", RECEIVE_WINDOW_MS))
    if key == "headers":
        _check_headers(config)
    if key in ("timeout", "rateLimit") and (isinstance(config, bool) or not _is_positive(config)):
        raise config_refusal(key, "a positive number is expected")


def _check_receive_window(milliseconds: Any) -> None:
    is_whole = isinstance(milliseconds, int) and not isinstance(milliseconds, bool)
    if not is_whole or not 0 < milliseconds <= RECEIVE_WINDOW_MS_MAX:
        message = f"is a whole number of milliseconds up to {RECEIVE_WINDOW_MS_MAX}"
        raise config_refusal("options.recvWindow", message)


def _check_headers(config: Mapping[str, Any]) -> None:
    """The header that selects the environment is set by the environment alone."""
    marks = {
        hosts.header[0].lower()
        for venue in load_venues().values()
        for hosts in venue.environments.values()
        if hosts.header
    }
    for name in config:
        if str(name).lower() in marks:
            raise config_refusal(f"headers.{name}", "is set by the environment")


def _parse_own_settings(
    config: Mapping[str, Any], venue: VenueInfo, environment: str
) -> ExtraConfig:
    hosts = config.get("allowed_hosts", [])
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        raise config_refusal("oms.allowed_hosts", "a list of hosts is expected")
    foreign_hosts = _hosts_of_other_environments(venue, environment)
    for host in hosts:
        is_foreign = host.lower() in foreign_hosts
        is_foreign |= environment in _TEST_ENVIRONMENTS and is_production_host(host)
        if is_foreign or "/" in host or not host:
            raise config_refusal(
                "oms.allowed_hosts", f"{host[:64]!r} belongs to another environment"
            )
    policy = config.get("unknown_policy", "close")
    if policy not in _POLICIES:
        raise config_refusal("oms.unknown_policy", f"is one of {', '.join(_POLICIES)}")
    if policy == "resend" and not get_profile(venue.id).has_unique_client_ids:
        message = f"is not resend: {venue.id} accepts the client order id of an ended order again"
        raise config_refusal("oms.unknown_policy", message)
    capabilities = config.get("capabilities", {})
    if not isinstance(capabilities, Mapping):
        raise config_refusal("oms.capabilities", "an object is expected")
    inflight_max = config.get("inflight_writes_max")
    if inflight_max is not None and (
        not isinstance(inflight_max, int) or isinstance(inflight_max, bool) or inflight_max < 1
    ):
        raise config_refusal("oms.inflight_writes_max", "a positive whole number is expected")
    infers_fills = config.get("provisional_deals", True)
    if not isinstance(infers_fills, bool):
        raise config_refusal("oms.provisional_deals", "is true or false")
    if not isinstance(config.get("withdrawal_key", False), bool):
        raise config_refusal("oms.withdrawal_key", "is true or false")
    owner = config.get("exchange_owner", "any")
    if not isinstance(owner, str) or not owner:
        raise config_refusal("oms.exchange_owner", "the exchange's account id is expected")
    return ExtraConfig(
        allowed_hosts=tuple(host.lower() for host in hosts),
        resolve=_resolve(config.get("resolve", {}), environment),
        capabilities=capabilities,
        unknown_policy=policy,
        inflight_writes_max=inflight_max,
        provisional_deals=infers_fills,
    )


def _resolve(config: Any, environment: str) -> dict[str, str]:
    if config and environment != "loopback":
        raise config_refusal("oms.resolve", "is for the environment loopback only")
    if not isinstance(config, Mapping):
        raise config_refusal("oms.resolve", "an object is expected")
    for name, place in config.items():
        host, _, port = str(place).rpartition(":")
        if not is_loopback(host) or not port.isdigit():
            raise config_refusal(f"oms.resolve.{name}", "an address of this machine with its port")
    return {str(name).lower(): str(place) for name, place in config.items()}


def _hosts_of_other_environments(venue: VenueInfo, environment: str) -> frozenset[str]:
    """Hosts of the venue's other environments, without ports."""
    current = venue.environments.get(environment)
    own = frozenset() if current is None else current.all
    others = (hosts.all for name, hosts in venue.environments.items() if name != environment)
    return frozenset().union(*others) - own


def _check_url(path: str, url: str, venue: VenueInfo, environment: str, extra: ExtraConfig) -> None:
    """Checks a URL against the environment's hosts; the host guard checks each request again."""
    if "{" in url or "://" not in url:
        return
    guard = build_host_guard(
        venue, environment, allowed_hosts=extra.allowed_hosts, resolve=extra.resolve
    )
    is_rest = split_url(url)[0] in ("http", "https")
    try:
        (guard.check_rest if is_rest else guard.check_stream)(url)
    except HostMismatch as error:
        raise config_refusal(path, str(error)) from error


def _all_keys(tree: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yields every key in a tree with its path."""
    if isinstance(tree, Mapping):
        for key, each in tree.items():
            yield ".".join((*path, str(key))), str(key)
            yield from _all_keys(each, (*path, str(key)))


def _string_leaves(tree: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(tree, str):
        yield ".".join(path), tree
    elif isinstance(tree, Mapping):
        for key, each in tree.items():
            yield from _string_leaves(each, (*path, str(key)))
    elif isinstance(tree, list):
        for each in tree:
            yield from _string_leaves(each, path)


def _is_positive(config: Any) -> bool:
    try:
        return float(config) > 0
    except (TypeError, ValueError):
        return False


def config_refusal(key: str, reason: str) -> Invalid:
    """Returns the refusal of a key; an empty key stands for the whole of ``extra_config``."""
    where = f"extra_config: {key} {reason}" if key else f"extra_config {reason}"
    return Invalid(where, code="extra_config_refused")
