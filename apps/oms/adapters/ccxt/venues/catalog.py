"""The venues that ccxt knows, as data: environments, hosts, what they can do. ccxt not needed.

``venues.json`` is written by ``make venues`` from the pinned ccxt and committed; API and command
line read it here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cache
from importlib.resources import files
from typing import Any

from oms.domain.value import value


@value
class Hosts:
    """The hosts of one environment per tree, with a port where it is not 443.

    ``header`` tells this environment from another one on the same hosts.
    """

    rest: Sequence[str] = ()
    private_stream: Sequence[str] = ()
    public_stream: Sequence[str] = ()
    header: tuple[str, str] | None = None
    #: Parts of paths that go without it.
    header_exempt_paths: Sequence[str] = ()

    @property
    def all(self) -> frozenset[str]:
        """Every host, of whichever tree."""
        return frozenset((*self.rest, *self.private_stream, *self.public_stream))


@value
class VenueInfo:
    """One exchange of ccxt; ``declared`` and ``table`` are what its capabilities come from."""

    id: str
    name: str
    websockets: bool
    #: ``live`` and what else of ``testnet`` and ``demo`` it has.
    environments: Mapping[str, Hosts]
    declared: Mapping[str, Any] = field(default_factory=dict)
    table: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_tested(self) -> bool:
        """Whether our table has a row for it."""
        return bool(self.table)


@cache
def load_venues() -> Mapping[str, VenueInfo]:
    """All of them by id, ascending."""
    data = _load_json()["venues"]
    return {name: _parse_venue(name, data[name]) for name in sorted(data)}


@cache
def ccxt_version() -> str:
    """The ccxt that the data were drawn from."""
    return str(_load_json()["ccxt"])


def exchange_ids() -> tuple[str, ...]:
    """``ccxt.*``, ``ccxtpro.*`` and ``paper.*`` of every venue, sorted; with ``paper.generic``."""
    venues = load_venues().values()
    ids = [f"{engine}.{each.id}" for each in venues for engine in ("ccxt", "paper")]
    streams = [f"ccxtpro.{each.id}" for each in venues if each.websockets]
    return tuple(sorted(["paper.generic", *ids, *streams]))


def _load_json() -> Any:
    return json.loads(files(__package__).joinpath("venues.json").read_text(encoding="utf-8"))


def _parse_venue(name: str, data: Mapping[str, Any]) -> VenueInfo:
    return VenueInfo(
        id=name,
        name=data["name"],
        websockets=data["websockets"],
        environments={each: _parse_hosts(hosts) for each, hosts in data["environments"].items()},
        declared=data.get("declared", {}),
        table=data.get("table", {}),
    )


def _parse_hosts(data: Mapping[str, Any]) -> Hosts:
    header = data.get("header")
    return Hosts(
        rest=tuple(data.get("rest", ())),
        private_stream=tuple(data.get("private_stream", ())),
        public_stream=tuple(data.get("public_stream", ())),
        header=None if header is None else (header[0], header[1]),
        header_exempt_paths=tuple(data.get("unmarked", ())),
    )
