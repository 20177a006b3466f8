"""Versions of strategies that bots and runs pin, and the stored catalogue."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.value import value
from oms.strategies.catalog import Number
from oms.strategies.description import LoadedCatalog, LoadError, StrategyDescription


@value
class StrategyVersion:
    """A strategy with all of its parameters, as it ran first; ``id`` is what bots and runs pin."""

    id: int
    name: str
    version: str
    #: SHA-256 of its source.
    code_hash: str
    parameters: Mapping[str, Number]
    #: SHA-256 of the canonical JSON of its parameters.
    params_hash: str
    created_at: datetime
    #: When the look-ahead check last passed with these parameters.
    checked_at: datetime | None = None


class StrategyVersions(Protocol):
    """Stored versions; every method raises ``Unavailable``."""

    async def pin(
        self,
        name: str,
        version: str,
        code_hash: str,
        parameters: Mapping[str, Number],
        now: datetime,
    ) -> StrategyVersion:
        """Return the stored version with these parameters; it is stored if there is none.

        Raises ``Conflict`` with the reason ``code_changed`` if this version of the strategy is
        stored with another code: a changed rule needs a new version.
        """
        ...

    async def find(self, version_id: int) -> StrategyVersion | None:
        """Return a stored version."""
        ...

    async def record_check(self, version_id: int, now: datetime) -> None:
        """Store that the look-ahead check passed."""
        ...

    async def known(self) -> Sequence["KnownVersion"]:
        """Return all versions of all strategies, ascending by name and by first use."""
        ...


@value
class KnownVersion:
    """One version of a strategy, with whatever parameters."""

    name: str
    version: str
    code_hash: str
    checked_at: datetime | None


@value
class CatalogEntry:
    """A strategy and the versions of it that ran."""

    description: StrategyDescription
    versions: Sequence[KnownVersion]

    @property
    def checked_at(self) -> datetime | None:
        """When the present code last passed the look-ahead check."""
        present = (self.description.version, self.description.code_hash)
        found = [each for each in self.versions if (each.version, each.code_hash) == present]
        return found[-1].checked_at if found else None


@value
class ShownCatalog:
    """All strategies; ``loaded_at`` is when the runner loaded those of users."""

    entries: Sequence[CatalogEntry]
    errors: Sequence[LoadError]
    loaded_at: datetime | None


class StoredCatalog(Protocol):
    """What the runner loaded last; every method raises ``Unavailable``."""

    async def replace(self, catalog: LoadedCatalog, now: datetime) -> None:
        """Store what was loaded in place of what was stored."""
        ...

    async def read(self) -> tuple[LoadedCatalog, datetime | None]:
        """Return the strategies of users and what could not be loaded, and when that was."""
        ...
