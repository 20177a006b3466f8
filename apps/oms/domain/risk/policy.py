"""Risk policies: who set which limit in which scope, and the limits that rule an account.

Limits of the scopes ``global`` and ``account`` are measured over an account, limits of a strategy
over that strategy's positions and orders on the account. Of several values of a key the tightest
one rules; the limit keeps the scope that set it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.errors import Refused
from oms.domain.money import ZERO
from oms.domain.orders.order_risk import LimitCheck
from oms.domain.risk.policy_keys import (
    ACTIVITY_KEYS,
    KEYS,
    LOSS_KEYS,
    PRESETS,
    PRICES_ONLY,
    SIGNAL_KEYS,
    PolicyValue,
    policy_value_text,
    tighter,
)
from oms.domain.value import evolve, value


class PolicyScope(StrEnum):
    """What a limit applies to."""

    GLOBAL = "global"
    ACCOUNT = "account"
    STRATEGY = "strategy"


@value
class Limit:
    """One set key of one scope."""

    key: str
    setting: PolicyValue
    scope: PolicyScope
    #: Id of the account or strategy; 0 for ``global``.
    scope_id: int
    #: Name of the user that set it.
    set_by: str
    set_by_user_id: int | None = None
    set_at: datetime
    comment: str = ""

    def facts(self) -> dict[str, str | None]:
        """Return who set the limit where and when, as refusals state it."""
        return {
            "key": self.key,
            "scope_id": str(self.scope_id) if self.scope_id else None,
            "set_by_user": self.set_by,
            "set_at": self.set_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }


Limits = Mapping[str, Limit]

NEW_POSITIONS = "allow_new_positions"

_OTHERS = -1
"""In place of the id of a strategy that has no limits of its own."""


@value
class StoredLimits:
    """Limits as they are stored, of one or several scopes."""

    limits: tuple[Limit, ...] = ()
    #: Key of each stored limit that cannot be read, and why.
    problems: tuple[tuple[str, str], ...] = ()

    @property
    def unreadable(self) -> str | None:
        """Return the first limit that cannot be read; ``None`` if all can."""
        return self.problems[0][1] if self.problems else None


NO_LIMITS = StoredLimits()


@value
class LimitChange:
    """A new value of one key of a scope; without a limit the key is removed."""

    scope: PolicyScope
    scope_id: int
    key: str
    limit: Limit | None


@value
class RulingLimit:
    """A limit that rules orders of a strategy."""

    limit: Limit
    #: Its value, if that is a number.
    number: Decimal
    #: Whether it is measured over the strategy's part of the account.
    is_own: bool
    #: Whether only entries of signals are compared with it.
    is_of_signals: bool
    #: The limit as it is stored with an order that passes, if nothing was measured.
    passed: LimitCheck


@value
class RulingLimits:
    """All limits that rule orders of a strategy, and what their checks need."""

    #: Those that orders are compared with, in the order of the checks.
    limits: tuple[RulingLimit, ...]
    #: ``None`` for the key of each, as long as nothing was measured.
    unmeasured: Mapping[str, None]
    #: All keys, also of limits that apply elsewhere.
    keys: frozenset[str]
    #: What allows no new positions; ``None`` if nothing forbids them.
    forbids: Limit | None
    has_own: bool
    #: Whether a check compares with the prices of orders that wait for none, and of market orders.
    compares_prices: bool
    compares_fills: bool
    #: Whether a check needs what the account did lately, what its positions become.
    needs_activity: bool
    needs_positions: bool
    #: Whether a check values orders at the market, counts money, needs other held symbols, equity.
    needs_price: bool
    needs_rate: bool
    needs_marks: bool
    needs_equity: bool


@value
class AccountPolicy:
    """All limits that rule the orders of one account."""

    #: Measured over the account, by key.
    account: Limits = field(default_factory=dict)
    #: Measured over a strategy's part of the account, by strategy and key.
    strategies: Mapping[int, Limits] = field(default_factory=dict)
    #: Why the policy cannot be read; entries are refused until it can be.
    unreadable: str | None = None
    #: Whether a limit is on losses of the account, and the time zone whose midnight begins its day.
    limits_losses: bool = False
    day_zone: str = "UTC"
    #: What was found by ``ruling``, by strategy.
    _ruling: dict[int, RulingLimits] = field(default_factory=dict, repr=False, compare=False)

    def limits_of(self, strategy_id: int) -> Limits:
        """Return the limits that are measured over the strategy's part of the account."""
        return self.strategies.get(strategy_id, {})

    def ruling(self, strategy_id: int) -> RulingLimits:
        """Return the limits that rule orders of the strategy; they are found once."""
        key, found = (strategy_id if strategy_id in self.strategies else _OTHERS), self._ruling
        if key not in found:
            found[key] = _ruling_limits(self.account, self.limits_of(strategy_id))
        return found[key]

    def all_keys(self) -> frozenset[str]:
        """Return the keys of all limits."""
        return frozenset(
            {*self.account, *(key for each in self.strategies.values() for key in each)}
        )

    def applies_to(self, strategy_id: int) -> bool:
        """Return whether any limit rules orders of the strategy."""
        return bool(self.account or self.unreadable or strategy_id in self.strategies)


def limit_change(
    scope: PolicyScope,
    scope_id: int,
    key: str,
    setting: PolicyValue | None,
    *,
    set_by: str,
    set_by_user_id: int | None,
    set_at: datetime,
    comment: str | None,
) -> LimitChange:
    """Return the change of a key to ``setting``; ``None`` removes its limit."""
    limit = None
    if setting is not None:
        limit = Limit(
            key=key,
            setting=setting,
            scope=scope,
            scope_id=scope_id,
            set_by=set_by,
            set_by_user_id=set_by_user_id,
            set_at=set_at,
            comment=comment or "",
        )
    return LimitChange(scope=scope, scope_id=scope_id, key=key, limit=limit)


def preset_limits(
    preset: str,
    account_id: int,
    *,
    set_by: str,
    set_by_user_id: int | None,
    set_at: datetime,
    comment: str,
) -> tuple[Limit, ...]:
    """Return the limits of a preset as those of an account."""
    return tuple(
        Limit(
            key=key,
            setting=setting,
            scope=PolicyScope.ACCOUNT,
            scope_id=account_id,
            set_by=set_by,
            set_by_user_id=set_by_user_id,
            set_at=set_at,
            comment=comment,
        )
        for key, setting in PRESETS[preset].items()
    )


def changed_limits(before: Iterable[Limit], changes: Iterable[LimitChange]) -> tuple[Limit, ...]:
    """Return the limits of a scope after ``changes``."""
    limits = {limit.key: limit for limit in before}
    for change in changes:
        limits.pop(change.key, None)
        if change.limit is not None:
            limits[change.key] = change.limit
    return tuple(limits.values())


def policy_of(account_id: int, *stored: StoredLimits) -> AccountPolicy | None:
    """Return the policy of an account from the limits stored for it, wider scopes first."""
    limits = [limit for each in stored for limit in each.limits]
    unreadable = next((each.unreadable for each in stored if each.unreadable), None)
    return account_policy(limits, account_id, unreadable)


def account_policy(
    limits: Iterable[Limit], account_id: int, unreadable: str | None = None
) -> AccountPolicy | None:
    """Return the limits of all scopes that rule the account; ``None`` if there are none."""
    wide: list[Limit] = []
    narrow: dict[int, list[Limit]] = {}
    for limit in limits:
        if limit.scope is PolicyScope.STRATEGY:
            narrow.setdefault(limit.scope_id, []).append(limit)
        elif limit.scope is PolicyScope.GLOBAL or limit.scope_id == account_id:
            wide.append(limit)
    if not wide and not narrow and unreadable is None:
        return None
    strategies = {strategy_id: tightest(each) for strategy_id, each in narrow.items()}
    account = tightest(wide)
    zone = account.get("risk_day_zone")
    return AccountPolicy(
        account=account,
        strategies=strategies,
        unreadable=unreadable,
        limits_losses=not LOSS_KEYS.isdisjoint(account),
        day_zone=zone.setting if zone is not None and isinstance(zone.setting, str) else "UTC",
    )


def loosens(current: Iterable[Limit], settings: Mapping[str, PolicyValue | None]) -> bool:
    """Return whether the settings remove a limit of their scope, or replace one by a looser."""
    for limit in current:
        if limit.key not in settings:
            continue
        setting = settings[limit.key]
        kind = KEYS[limit.key].kind
        if setting is None or tighter(kind, limit.setting, setting) != setting:
            return True
    return False


def tightest(limits: Iterable[Limit]) -> Limits:
    """Return the tightest limit per key, in the order of the checks.

    Of equal values the first one given is kept. A list that two scopes narrow belongs to the scope
    that narrowed it last.
    """
    found: dict[str, Limit] = {}
    for limit in limits:
        before = found.get(limit.key)
        if before is None:
            found[limit.key] = limit
            continue
        setting = tighter(KEYS[limit.key].kind, before.setting, limit.setting)
        if setting != before.setting:
            found[limit.key] = evolve(limit, setting=setting)
    return {name: found[name] for name in KEYS if name in found}


def _ruling_limits(account: Limits, own: Limits) -> RulingLimits:
    limits = [
        _ruling_limit(scope[name], is_own=scope is own)
        for name, key in KEYS.items()
        for scope in (account, own)
        if name in scope and key.judges_orders
    ]
    keys = [KEYS[name] for name in (account.keys() | own.keys())]
    names = frozenset(key.name for key in keys)
    return RulingLimits(
        limits=tuple(limits),
        unmeasured={each.limit.key: None for each in limits},
        keys=names,
        forbids=account.get(NEW_POSITIONS) or own.get(NEW_POSITIONS),
        has_own=bool(own),
        compares_prices="price_collar_pct" in names,
        compares_fills="max_slippage_bps" in names,
        needs_activity=not names.isdisjoint(ACTIVITY_KEYS),
        needs_positions=any(key.needs_positions for key in keys),
        needs_price=any(key.needs_price for key in keys),
        needs_rate=any(key.needs_price and key.name not in PRICES_ONLY for key in keys),
        needs_marks=any(key.needs_marks for key in keys),
        needs_equity=any(key.needs_equity for key in keys),
    )


def _ruling_limit(limit: Limit, *, is_own: bool) -> RulingLimit:
    number = limit.setting if isinstance(limit.setting, Decimal) else ZERO
    return RulingLimit(
        limit=limit,
        number=number,
        is_own=is_own,
        is_of_signals=limit.key in SIGNAL_KEYS,
        passed=_passed(limit),
    )


def _passed(limit: Limit) -> LimitCheck:
    return LimitCheck(
        key=limit.key,
        scope=limit.scope.value,
        scope_id=limit.scope_id,
        limit=policy_value_text(limit.setting),
    )


def refuse_new_positions(policy: AccountPolicy, strategy_id: int) -> Refused | None:
    """Refuse to open where a policy does not allow new positions or cannot be read."""
    if policy.unreadable is not None:
        message = f"the risk policy cannot be read: {policy.unreadable}"
        return Refused(code="risk_blocked", reason="risk_error", message=message, set_by="account")
    limit = policy.ruling(strategy_id).forbids
    if limit is None:
        return None
    return Refused(
        code="risk_blocked",
        reason=KEYS[NEW_POSITIONS].reason,
        message=f"the risk policy of {scope_text(limit)} does not allow new positions",
        set_by=limit.scope.value,
        facts=limit.facts(),
    )


def scope_text(limit: Limit) -> str:
    """Return the scope of a limit as a text."""
    if limit.scope is PolicyScope.GLOBAL:
        return "the gateway"
    return f"{limit.scope.value} {limit.scope_id}"
