"""``extra_config_json`` of accounts at real exchanges: what may be set, split into its two halves.

What would change the environment, leak a signed request or send it twice is refused by name.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from oms.adapters.ccxt.client.host_guard import build_host_guard, split_url
from oms.adapters.ccxt.client.http_session import is_loopback
from oms.adapters.ccxt.client.request_errors import HostMismatch
from oms.adapters.ccxt.venues.catalog import VenueInfo, load_venues
from oms.adapters.ccxt.venues.profile import get_profile
from oms.domain.errors import Invalid
from oms.domain.value import value

#: Merged into the constructor of ccxt; a key of no list is kept and goes nowhere.
_MERGED = frozenset(
    (
        *("urls", "hostname", "options", "timeout", "headers", "userAgent", "rateLimit"),
        *("enableRateLimit", "cafile", "httpProxy", "httpsProxy", "socksProxy"),
        *("wsProxy", "wssProxy", "wsSocksProxy"),
    )
)
#: They live in the vault.
_CREDENTIALS = frozenset(
    (
        *("apiKey", "secret", "password", "uid", "login", "privateKey", "walletAddress"),
        *("token", "twofa"),
    )
)
#: They would change the environment, or send a request twice, unwatched or to a third party.
_REFUSED = frozenset(
    (
        *("sandbox", "testnet", "maxRetriesOnFailure", "session", "own_session"),
        *("proxyUrl", "proxy_url", "proxyUrlCallback", "proxy", "proxy_url_callback"),
    )
)
_OPTIONS_REFUSED = frozenset(
    (
        *("sandboxMode", "sandbox", "testnet", "enableDemoTrading", "session", "own_session"),
        *("maxRetriesOnFailure", "maxRetriesOnFailureDelay"),
    )
)
_HOSTNAME = re.compile(r"[A-Za-z0-9.-]+(:\d+)?")
_POLICIES = ("close", "resend")


@value
class ExtraConfig:
    """``ccxt`` goes to the constructor, the rest is ours."""

    ccxt: Mapping[str, Any] = field(default_factory=dict)
    verify: bool = True
    allowed_hosts: Sequence[str] = ()
    resolve: Mapping[str, str] = field(default_factory=dict)
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    unknown_policy: str = "close"
    inflight_writes_max: int | None = None
    provisional_deals: bool = True


def refuse_forbidden_keys(told: Mapping[str, Any]) -> None:
    """What no account may have, whatever its engine. Raises ``Invalid``."""
    for key in told:
        if key in _CREDENTIALS:
            raise config_refusal(key, "is a credential: those are sealed, not configured")
        if key in _REFUSED:
            raise config_refusal(key, "may not be set")


def parse_extra_config(told: Any, venue: VenueInfo, environment: str) -> ExtraConfig:
    """The settings of an account. Raises ``Invalid`` (``extra_config_refused``)."""
    if not isinstance(told, Mapping):
        raise config_refusal("", "an object is expected")
    ours = told.get("oms", {})
    if not isinstance(ours, Mapping):
        raise config_refusal("oms", "an object is expected")
    refuse_forbidden_keys(told)
    for key, each in told.items():
        _check_key(key, each, environment)
    merged = {key: each for key, each in told.items() if key in _MERGED}
    extra = _ours(ours, venue, environment)
    for path, url in _texts(merged.get("urls", {}), ("urls",)):
        _check_url(path, url, venue, environment, extra)
    return ExtraConfig(
        ccxt=merged,
        verify=told.get("verify", True),
        allowed_hosts=extra.allowed_hosts,
        resolve=extra.resolve,
        capabilities=extra.capabilities,
        unknown_policy=extra.unknown_policy,
        inflight_writes_max=extra.inflight_writes_max,
        provisional_deals=extra.provisional_deals,
    )


def price_environment(told: Mapping[str, Any]) -> str:
    """Of a paper account's live prices: ``loopback`` where they are led here, else ``live``."""
    ours = told.get("oms") or {}
    is_led_here = told.get("urls") or (isinstance(ours, Mapping) and ours.get("resolve"))
    return "loopback" if is_led_here else "live"


def _check_key(key: str, told: Any, environment: str) -> None:
    if key == "enableRateLimit" and told is not True:
        raise config_refusal(key, "is always true")
    if key == "verify" and (not isinstance(told, bool) or (not told and environment != "loopback")):
        raise config_refusal(key, "is false in the environment loopback alone")
    if key in ("options", "urls", "headers") and not isinstance(told, Mapping):
        raise config_refusal(key, "an object is expected")
    if key == "hostname" and not _HOSTNAME.fullmatch(str(told)):
        raise config_refusal(key, "a host is expected")
    if key == "options":
        for path, name in _names(told, ("options",)):
            if name in _OPTIONS_REFUSED:
                raise config_refusal(path, "may not be set")
    if key == "headers":
        _check_headers(told)
    if key in ("timeout", "rateLimit") and (isinstance(told, bool) or not _is_positive(told)):
        raise config_refusal(key, "a positive number is expected")


def _check_headers(told: Mapping[str, Any]) -> None:
    """A header that picks the environment is the environment's matter."""
    marks = {
        hosts.header[0].lower()
        for venue in load_venues().values()
        for hosts in venue.environments.values()
        if hosts.header
    }
    for name in told:
        if str(name).lower() in marks:
            raise config_refusal(f"headers.{name}", "is set by the environment")


def _ours(told: Mapping[str, Any], venue: VenueInfo, environment: str) -> ExtraConfig:
    hosts = told.get("allowed_hosts", [])
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        raise config_refusal("oms.allowed_hosts", "a list of hosts is expected")
    foreign = _foreign(venue, environment)
    for host in hosts:
        if host.lower() in foreign or "/" in host or not host:
            raise config_refusal(
                "oms.allowed_hosts", f"{host[:64]!r} belongs to another environment"
            )
    policy = told.get("unknown_policy", "close")
    if policy not in _POLICIES:
        raise config_refusal("oms.unknown_policy", f"is one of {', '.join(_POLICIES)}")
    if policy == "resend" and not get_profile(venue.id).has_unique_client_ids:
        message = f"is not resend: {venue.id} takes the id of an order that ended once more"
        raise config_refusal("oms.unknown_policy", message)
    capabilities = told.get("capabilities", {})
    if not isinstance(capabilities, Mapping):
        raise config_refusal("oms.capabilities", "an object is expected")
    most = told.get("inflight_writes_max")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        raise config_refusal("oms.inflight_writes_max", "a positive whole number is expected")
    infers_fills = told.get("provisional_deals", True)
    if not isinstance(infers_fills, bool):
        raise config_refusal("oms.provisional_deals", "is true or false")
    if not isinstance(told.get("withdrawal_key", False), bool):
        raise config_refusal("oms.withdrawal_key", "is true or false")
    owner = told.get("exchange_owner", "any")
    if not isinstance(owner, str) or not owner:
        raise config_refusal("oms.exchange_owner", "the exchange's name of an account is expected")
    return ExtraConfig(
        allowed_hosts=tuple(host.lower() for host in hosts),
        resolve=_resolve(told.get("resolve", {}), environment),
        capabilities=capabilities,
        unknown_policy=policy,
        inflight_writes_max=most,
        provisional_deals=infers_fills,
    )


def _resolve(told: Any, environment: str) -> dict[str, str]:
    if told and environment != "loopback":
        raise config_refusal("oms.resolve", "is for the environment loopback alone")
    if not isinstance(told, Mapping):
        raise config_refusal("oms.resolve", "an object is expected")
    for name, place in told.items():
        host, _, port = str(place).rpartition(":")
        if not is_loopback(host) or not port.isdigit():
            raise config_refusal(f"oms.resolve.{name}", "an address of this machine with its port")
    return {str(name).lower(): str(place) for name, place in told.items()}


def _foreign(venue: VenueInfo, environment: str) -> frozenset[str]:
    """Hosts of the venue's other environments, ports left aside."""
    mine = venue.environments.get(environment)
    own = frozenset() if mine is None else mine.all
    others = (hosts.all for name, hosts in venue.environments.items() if name != environment)
    return frozenset().union(*others) - own


def _check_url(path: str, url: str, venue: VenueInfo, environment: str, extra: ExtraConfig) -> None:
    """A URL of the constructor under the environment's rule; the guard asks again at each call."""
    if "{" in url or "://" not in url:
        return
    guard = build_host_guard(
        venue, environment, allowed_hosts=extra.allowed_hosts, resolve=extra.resolve
    )
    is_rest = split_url(url)[0] in ("http", "https")
    try:
        (guard.check_rest if is_rest else guard.check_stream)(url)
    except HostMismatch as wrong:
        raise config_refusal(path, str(wrong)) from wrong


def _names(tree: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Every key in a tree, with its path."""
    if isinstance(tree, Mapping):
        for key, each in tree.items():
            yield ".".join((*path, str(key))), str(key)
            yield from _names(each, (*path, str(key)))


def _texts(tree: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(tree, str):
        yield ".".join(path), tree
    elif isinstance(tree, Mapping):
        for key, each in tree.items():
            yield from _texts(each, (*path, str(key)))
    elif isinstance(tree, list):
        for each in tree:
            yield from _texts(each, path)


def _is_positive(told: Any) -> bool:
    try:
        return float(told) > 0
    except (TypeError, ValueError):
        return False


def config_refusal(key: str, why: str) -> Invalid:
    """The refusal that names the key."""
    where = f"extra_config: {key} {why}" if key else f"extra_config {why}"
    return Invalid(where, code="extra_config_refused")
