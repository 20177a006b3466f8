"""Risk policies: values of keys, presets, and which of several limits rules."""

from decimal import Decimal

import pytest

from kit.builders import a_limit
from oms.domain.errors import Invalid
from oms.domain.risk.policy import (
    PolicyScope,
    account_policy,
    refuse_new_positions,
    tightest,
)
from oms.domain.risk.policy_keys import (
    KEYS,
    PRESETS,
    PolicyValue,
    parse_policy_value,
    policy_value_text,
)


@pytest.mark.parametrize(
    ("key", "sent", "parsed"),
    [
        ("max_order_notional", "500.50", Decimal("500.50")),
        ("max_order_notional", 500, Decimal(500)),
        ("max_order_notional", 0, None),
        ("max_order_notional", None, None),
        ("max_open_positions", "5", Decimal(5)),
        ("max_open_positions", "5.0", Decimal(5)),
        ("allow_new_positions", False, False),
        ("allow_new_positions", True, None),
        ("allowed_symbols", ["BTC/USDT", "ETH/USDT"], frozenset({"BTC/USDT", "ETH/USDT"})),
        ("allowed_symbols", [], None),
        ("risk_day_zone", "Europe/Berlin", "Europe/Berlin"),
        ("risk_day_zone", "", None),
    ],
)
def test_a_value_is_parsed(key: str, sent: object, parsed: PolicyValue | None) -> None:
    assert parse_policy_value(key, sent) == parsed


@pytest.mark.parametrize(
    ("key", "sent", "reason"),
    [
        ("max_signals_per_year", 5, "unknown_key"),
        ("max_order_qty.bonds", 5, "unknown_key"),
        ("max_order_notional", "NaN", "value"),
        ("max_order_notional", "-1", "value"),
        ("max_order_notional", True, "value"),
        ("max_order_notional", 1.5, "value"),
        ("max_order_notional", [1], "value"),
        ("max_open_positions", "1.5", "value"),
        ("allow_new_positions", 1, "value"),
        ("allowed_symbols", "BTC/USDT", "value"),
        ("risk_day_zone", "Europe/Atlantis", "value"),
        ("risk_day_zone", "../../etc/passwd", "value"),
        ("risk_day_zone", 2, "value"),
        ("allowed_symbols", ["BTC/USDT", 1], "value"),
        ("allowed_symbols", [f"S{number}" for number in range(1001)], "value"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(key: str, sent: object, reason: str) -> None:
    with pytest.raises(Invalid) as error:
        parse_policy_value(key, sent)
    assert (error.value.code, error.value.reason) == ("validation_error", reason)
    assert key in error.value.message


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_sets_valid_values_of_known_keys(preset: str) -> None:
    for key, setting in PRESETS[preset].items():
        assert parse_policy_value(key, policy_value_text(setting)) == setting


def test_the_presets_get_stricter() -> None:
    assert PRESETS["open"] == {}
    for key, setting in PRESETS["standard"].items():
        strict = PRESETS["strict"][key]
        of_both = tightest([a_limit(key, setting), a_limit(key, strict)])
        assert of_both[key].setting == strict
    changed = {k for k, v in PRESETS["small"].items() if PRESETS["standard"].get(k) != v}
    assert changed == {"max_position_notional", "min_order_notional"}


@pytest.mark.parametrize(
    ("key", "wide", "narrow", "ruling"),
    [
        ("max_order_notional", Decimal(100), Decimal(50), ("account", Decimal(50))),
        ("max_order_notional", Decimal(100), Decimal(200), ("global", Decimal(100))),
        ("max_order_notional", Decimal(100), Decimal(100), ("global", Decimal(100))),
        ("min_order_notional", Decimal(10), Decimal(20), ("account", Decimal(20))),
        ("min_order_notional", Decimal(20), Decimal(10), ("global", Decimal(20))),
        ("allow_new_positions", False, False, ("global", False)),
        (
            "allowed_symbols",
            frozenset({"A", "B"}),
            frozenset({"B", "C"}),
            ("account", frozenset({"B"})),
        ),
        ("allowed_symbols", frozenset({"A"}), frozenset({"A", "C"}), ("global", frozenset({"A"}))),
        ("allowed_symbols", frozenset({"A"}), frozenset({"C"}), ("account", frozenset())),
        ("risk_day_zone", "Asia/Tokyo", "Europe/Berlin", ("account", "Europe/Berlin")),
    ],
)
def test_the_tightest_limit_rules_and_keeps_its_scope(
    key: str, wide: PolicyValue, narrow: PolicyValue, ruling: tuple[str, PolicyValue]
) -> None:
    policy = account_policy(
        [a_limit(key, wide, PolicyScope.GLOBAL, 0), a_limit(key, narrow, PolicyScope.ACCOUNT, 3)], 3
    )
    assert policy is not None
    limit = policy.account[key]
    assert (limit.scope.value, limit.setting) == ruling


def test_limits_of_a_strategy_are_kept_apart() -> None:
    of_strategy = a_limit("max_open_positions", Decimal(1), PolicyScope.STRATEGY, 4)
    of_account = a_limit("max_open_positions", Decimal(5), PolicyScope.ACCOUNT, 3)
    policy = account_policy([of_strategy, of_account], 3)
    assert policy is not None
    assert policy.account == {"max_open_positions": of_account}
    assert policy.limits_of(4) == {"max_open_positions": of_strategy}
    assert policy.limits_of(5) == {}
    assert policy.applies_to(5) and policy.applies_to(4)


def test_an_account_without_limits_has_no_policy() -> None:
    of_another = a_limit("max_open_positions", Decimal(5), PolicyScope.ACCOUNT, 8)
    assert account_policy([], 3) is None
    assert account_policy([of_another], 3) is None


def test_limits_are_listed_in_the_order_of_the_checks() -> None:
    limits = [a_limit(key, Decimal(1)) for key in reversed(KEYS) if key.startswith("max")]
    assert list(tightest(limits)) == [key for key in KEYS if key.startswith("max")]


@pytest.mark.parametrize(
    ("scope", "scope_id", "strategy_id", "is_refused"),
    [
        (PolicyScope.GLOBAL, 0, 4, True),
        (PolicyScope.ACCOUNT, 3, 0, True),
        (PolicyScope.STRATEGY, 4, 4, True),
        (PolicyScope.STRATEGY, 4, 5, False),
    ],
)
def test_new_positions_are_refused_in_the_scope(
    scope: PolicyScope, scope_id: int, strategy_id: int, is_refused: bool
) -> None:
    policy = account_policy([a_limit("allow_new_positions", False, scope, scope_id)], 3)
    assert policy is not None
    refused = refuse_new_positions(policy, strategy_id)
    assert (refused is not None) is is_refused
    if refused is not None:
        assert refused.reason == "new_positions_disabled" and refused.set_by == scope.value
        assert refused.facts is not None and refused.facts["set_by_user"] == "ann"


def test_a_policy_that_cannot_be_read_refuses_entries() -> None:
    policy = account_policy([], 3, unreadable="max_order_notional of account 3")
    assert policy is not None
    refused = refuse_new_positions(policy, 0)
    assert refused is not None
    assert (refused.code, refused.reason) == ("risk_blocked", "risk_error")
    assert "max_order_notional of account 3" in refused.message
