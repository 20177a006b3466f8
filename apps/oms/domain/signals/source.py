"""Sources of signals: who may post, where the orders go, and the rules of their execution."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_address

from oms.domain.money import ZERO
from oms.domain.signals.signal import LevelReference, SignalKind, SignalRules, Sizing, SizingKind
from oms.domain.value import value

BOUNCE_TP_PCT = Decimal("4.5")
BOUNCE_SL_PCT = Decimal("1.5")
TRADINGVIEW_AGE_SECONDS = 300
ONE_UNIT = Sizing(kind=SizingKind.QTY, value=Decimal(1))


@value
class SourceSettings:
    """Settings of a source; ``default_settings`` returns those of a new one."""

    sizing: Sizing = ONE_UNIT
    #: Percent of the base; used where the signal has none. 0: no level.
    tp_pct: Decimal = ZERO
    sl_pct: Decimal = ZERO
    tp_sl_base: LevelReference = LevelReference.FILL
    stop_trailing_pct: Decimal | None = None
    max_hold_seconds: int | None = None
    #: On hedge accounts each entry opens a position of its own.
    is_new_entry: bool = True
    pyramiding_max: int = 0
    reverse: bool = False
    #: Older signals are ignored as ``stale_signal``; 0: of any age.
    max_age_seconds: int = 0
    #: A signal that is not executed by then is ignored as ``expired_in_queue``.
    queue_expiry_seconds: int = 60
    max_signal_slippage_pct: Decimal = ZERO
    #: Symbols of the account by the names that the signals use, before any other rule.
    symbol_map: Mapping[str, str] = field(default_factory=dict)
    rate_per_minute: int = 60
    #: Whether a valid signature is needed besides any other credential.
    require_signature: bool = False
    #: Networks that may post; empty: any.
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @property
    def rules(self) -> SignalRules:
        """The settings that the worker applies."""
        return SignalRules(
            sizing=self.sizing,
            tp_sl_base=self.tp_sl_base,
            stop_trailing_pct=self.stop_trailing_pct,
            max_hold_seconds=self.max_hold_seconds,
            is_new_entry=self.is_new_entry,
            pyramiding_max=self.pyramiding_max,
            reverse=self.reverse,
            max_signal_slippage_pct=self.max_signal_slippage_pct,
        )

    def allows_address(self, ip: str) -> bool:
        """Return whether signals may come from ``ip``."""
        if not self.networks:
            return True
        try:
            address = ip_address(ip)
        except ValueError:
            return False
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in network for network in self.networks)


def default_settings(kind: SignalKind) -> SourceSettings:
    """Return the settings of a new source."""
    if kind is SignalKind.BOUNCE:
        return SourceSettings(tp_pct=BOUNCE_TP_PCT, sl_pct=BOUNCE_SL_PCT)
    if kind is SignalKind.TRADINGVIEW:
        return SourceSettings(max_age_seconds=TRADINGVIEW_AGE_SECONDS)
    return SourceSettings()


@value
class SourceRefusal:
    """Why a request of a source was refused before it became a signal."""

    refused_at: datetime
    reason: str
    message: str


@value
class SignalSource:
    """A stored source. Tokens are hashes, secrets are sealed."""

    id: int
    name: str
    kind: SignalKind
    #: Exactly one of account and group is set.
    account_id: int | None
    account_group_id: int | None = None
    #: 0: the scope of a signal is the whole account.
    strategy_id: int = 0
    settings: SourceSettings
    is_active: bool = True
    api_key_ids: tuple[int, ...] = ()
    token_hash: str | None = None
    sealed_secret: str | None = None
    #: Those before the last rotation; they count until ``rotate_until``.
    old_token_hash: str | None = None
    old_sealed_secret: str | None = None
    rotate_until: datetime | None = None
    last_refusal: SourceRefusal | None = None
    last_seen_at: datetime | None = None
    created_at: datetime
    updated_at: datetime

    def token_hashes(self, now: datetime) -> tuple[str, ...]:
        """Return the hashes of the path tokens that count at ``now``."""
        old = self.old_token_hash if self._has_old(now) else None
        return tuple(each for each in (self.token_hash, old) if each is not None)

    def sealed_secrets(self, now: datetime) -> tuple[str, ...]:
        """Return the sealed secrets that count at ``now``."""
        old = self.old_sealed_secret if self._has_old(now) else None
        return tuple(each for each in (self.sealed_secret, old) if each is not None)

    def _has_old(self, now: datetime) -> bool:
        return self.rotate_until is not None and now < self.rotate_until
