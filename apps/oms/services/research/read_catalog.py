"""The catalogue of strategies as it is shown: the built-in ones, and what the runner loaded."""

from collections.abc import Sequence

from oms.domain.errors import NotFound
from oms.domain.value import value
from oms.ports.research.strategy_versions import (
    CatalogEntry,
    ShownCatalog,
    StoredCatalog,
    StrategyVersions,
)
from oms.strategies.description import StrategyDescription


@value
class ReadCatalog:
    """Reads the catalogue; no code of users is run."""

    built_in: Sequence[StrategyDescription]
    stored: StoredCatalog
    versions: StrategyVersions

    async def __call__(self) -> ShownCatalog:
        """Return all strategies. Raises ``Unavailable``."""
        loaded, loaded_at = await self.stored.read()
        known = await self.versions.known()
        entries = [
            CatalogEntry(description=each, versions=[one for one in known if one.name == each.name])
            for each in (*self.built_in, *loaded.strategies)
        ]
        return ShownCatalog(entries=entries, errors=loaded.errors, loaded_at=loaded_at)

    async def find(self, name: str) -> CatalogEntry:
        """Return a strategy. Raises ``NotFound``, ``Unavailable``."""
        catalog = await self()
        for entry in catalog.entries:
            if entry.description.name == name:
                return entry
        known = ", ".join(each.description.name for each in catalog.entries)
        raise NotFound(f"no strategy {name[:64]!r}; there are {known}", reason="unknown_strategy")
