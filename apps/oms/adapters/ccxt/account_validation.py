"""Checks an account when it is stored: engine, environment, settings. ccxt is not imported."""

from collections.abc import Mapping
from typing import Any

from oms.adapters.ccxt.extra_config import (
    config_refusal,
    parse_extra_config,
    price_environment,
    refuse_forbidden_keys,
)
from oms.adapters.ccxt.venues.catalog import VenueInfo, load_venues
from oms.domain.errors import Invalid
from oms.wire.account_config.paper_settings import read_paper_settings
from oms.wire.json import NotJson, loads

PAPER = "paper"
LOOPBACK = "loopback"


def check_account(*, exchange_id: str, environment: str, extra_config: str) -> None:
    """Checks an account's engine, environment and settings; ``extra_config`` is JSON text.

    Raises ``Invalid``: ``unsupported_engine``, ``environment_not_supported``,
    ``extra_config_refused``.
    """
    try:
        config = loads(extra_config)
    except NotJson as error:
        raise config_refusal("", "cannot be read") from error
    engine, _, name = exchange_id.partition(".")
    if engine == PAPER:
        if isinstance(config, Mapping):
            refuse_forbidden_keys(config)
        if isinstance(config, Mapping) and read_paper_settings(extra_config).uses("live"):
            check_live_price_source(name, config)
        return
    venue = find_venue(engine, name)
    check_environment(venue, environment)
    parse_extra_config(config, venue, environment)


def check_live_price_source(name: str, config: Mapping[str, Any]) -> None:
    """Checks the settings of a paper account's live prices.

    Raises ``Invalid`` (``extra_config_refused``).
    """
    venue = load_venues().get(name)
    if venue is None:
        raise config_refusal("oms.paper.source", f"is not live: there is no exchange {name}")
    parse_extra_config(config, venue, price_environment(config))


def check_environment(venue: VenueInfo, environment: str) -> None:
    """Raises ``Invalid`` (``environment_not_supported``), naming the environments of the venue."""
    environments = (*sorted(venue.environments), LOOPBACK)
    if environment not in environments:
        message = f"{venue.id} has no environment {environment}; it has {', '.join(environments)}"
        raise Invalid(message, code="environment_not_supported")


def find_venue(engine: str, name: str) -> VenueInfo:
    """Returns the venue of an account at a real exchange.

    Raises ``Invalid`` (``unsupported_engine``).
    """
    venue = load_venues().get(name)
    if venue is None:
        raise Invalid(f"{engine}.{name}: there is no such exchange", code="unsupported_engine")
    if engine == "ccxtpro" and not venue.websockets:
        message = f"{name} has no websockets: it is ccxt.{name}"
        raise Invalid(message, code="unsupported_engine")
    return venue
