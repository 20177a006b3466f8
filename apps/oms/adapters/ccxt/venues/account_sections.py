"""Sections of an account: spot, and contracts by kind, each read by requests of its own."""

from collections.abc import Mapping

from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.value import value


@value
class AccountSection:
    """A part of an account that is read by itself: its request parameters and its symbols."""

    name: str
    params: Mapping[str, object]
    symbols: frozenset[str]
    kind: InstrumentKind

    @property
    def has_positions(self) -> bool:
        """Whether it holds contracts."""
        return self.kind is not InstrumentKind.SPOT


def list_sections(
    profile: VenueProfile, instruments: Mapping[str, Instrument]
) -> list[AccountSection]:
    """Returns the sections of an account at the venue."""
    spot = frozenset(s for s, each in instruments.items() if each.kind is InstrumentKind.SPOT)
    derivatives = {
        s: each for s, each in instruments.items() if each.kind is not InstrumentKind.SPOT
    }
    sections = []
    if spot:
        params: dict[str, object] = {"type": "spot"} if derivatives else {}
        sections.append(
            AccountSection(name="spot", params=params, symbols=spot, kind=InstrumentKind.SPOT)
        )
    for kind in (InstrumentKind.LINEAR, InstrumentKind.INVERSE):
        contracts = {s: each for s, each in derivatives.items() if each.kind is kind}
        sections += _contract_sections(profile, kind, contracts, has_spot=bool(spot))
    return sections


def _contract_sections(
    profile: VenueProfile,
    kind: InstrumentKind,
    contracts: Mapping[str, Instrument],
    *,
    has_spot: bool,
) -> list[AccountSection]:
    """One section of all contracts, or one per settlement currency where the venue needs it."""
    if not contracts:
        return []
    params: dict[str, object] = {"type": "swap", "subType": kind.value} if has_spot else {}
    if not profile.settle_param:
        return [
            AccountSection(name=kind.value, params=params, symbols=frozenset(contracts), kind=kind)
        ]
    sections = []
    for settle in sorted({each.settle for each in contracts.values()}):
        symbols = frozenset(s for s, each in contracts.items() if each.settle == settle)
        section_params = {**params, profile.settle_param: settle}
        name = f"{kind.value}:{settle}"
        sections.append(
            AccountSection(name=name, params=section_params, symbols=symbols, kind=kind)
        )
    return sections
