"""Parser of ``oms risk``."""

import argparse
from typing import Any

from oms.cli.flags import (
    add_account_id,
    add_confirmation,
    add_group,
    add_verb,
    lazy_command,
    network_flags,
)

#: A test compares them with ``domain.risk.policy_keys`` and ``wire.commands.risk_policy_requests``.
PRESETS = ("open", "standard", "strict", "small")
#: A test compares them with ``wire.commands.oms_switch_requests``.
SWITCH_KINDS = ("soft", "hard", "flatten")
RESETTABLE = ("max_total_drawdown_pct",)


def add_risk(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands on risk policies."""
    verbs, network = (
        add_group(commands, "risk", "limits, switch of the gateway"),
        network_flags(common),
    )
    show = add_verb(
        verbs,
        "show",
        [network],
        "show the limits that a scope sets",
        example="risk show --account-id 1",
        run=lazy_command("risk", "show"),
    )
    change = add_verb(
        verbs,
        "set",
        [network],
        "set one limit; none removes it",
        example="risk set --account-id 1 max_order_notional 500 --comment 'first week'",
        run=lazy_command("risk", "set_limit"),
    )
    for verb in (show, change):
        scope = verb.add_mutually_exclusive_group(required=True)
        scope.add_argument("--account-id", type=int, help="id of the account")
        scope.add_argument("--strategy-id", type=int, help="id of the strategy, on any account")
        scope.add_argument("--global", dest="is_global", action="store_true", help="each account")
    change.add_argument("key", help="as max_order_notional")
    change.add_argument("value", help="a number, true, false, none, or symbols with commas")
    _add_account_verbs(verbs, network)
    _add_switch_verbs(verbs, network)
    change.add_argument("--comment", required=True, help="why, for the audit log")


def _add_account_verbs(verbs: Any, network: argparse.ArgumentParser) -> None:
    preset = add_verb(
        verbs,
        "preset",
        [network],
        "replace the limits of an account by those of a preset",
        example="risk preset --account-id 1 --preset standard --comment 'first week'",
        run=lazy_command("risk", "apply_preset"),
    )
    preset.add_argument("--preset", required=True, choices=PRESETS, help=", ".join(PRESETS))
    reset = add_verb(
        verbs,
        "reset",
        [network],
        "set the high-water mark of the equity to the current equity",
        example="risk reset --account-id 1 --comment 'reviewed'",
        run=lazy_command("risk", "reset"),
    )
    reset.add_argument(
        "--key", default=RESETTABLE[0], choices=RESETTABLE, help=f"default {RESETTABLE[0]}"
    )
    usage = add_verb(
        verbs,
        "usage",
        [network],
        "show how much of each limit is in use",
        example="risk usage --account-id 1",
        run=lazy_command("risk", "usage"),
    )
    check = add_verb(
        verbs,
        "check",
        [network],
        "show the verdict on an order without sending it",
        example="risk check --account-id 1 --symbol BTC/USDT:USDT --side buy"
        " --order-type market --qty 0.01",
        run=lazy_command("risk", "check"),
    )
    for verb in (preset, reset, usage, check):
        add_account_id(verb)
    for verb in (preset, reset):
        verb.add_argument("--comment", required=True, help="why, for the audit log")
    check.add_argument("--symbol", required=True, help="as BTC/USDT, or BTC/USDT:USDT (contract)")
    check.add_argument("--side", required=True, choices=("buy", "sell"), help="buy or sell")
    check.add_argument("--order-type", default="market", help="default market")
    check.add_argument("--qty", required=True, help="quantity in base currency")
    check.add_argument("--price", help="limit price, of types with one")
    check.add_argument("--strategy-id", type=int, default=0, help="default 0: none")
    check.add_argument("--reduce-only", action="store_true", help="only reduce a position")


def _add_switch_verbs(verbs: Any, network: argparse.ArgumentParser) -> None:
    add_verb(
        verbs,
        "switch",
        [network],
        "show whether the gateway is enabled",
        example="risk switch",
        run=lazy_command("risk", "show_switch"),
    )
    enable = add_verb(
        verbs,
        "enable",
        [network],
        "enable the gateway; kill switches of people stay",
        example="risk enable --comment 'prices are right again' --yes",
        run=lazy_command("risk", "enable"),
    )
    disable = add_verb(
        verbs,
        "disable",
        [network],
        "refuse what opens a position, on all accounts",
        example="risk disable --kind hard --comment 'prices look wrong'",
        run=lazy_command("risk", "disable"),
    )
    disable.add_argument(
        "--kind",
        default="soft",
        choices=SWITCH_KINDS,
        help="soft (default); hard also cancels entries, flatten also closes positions",
    )
    for verb in (enable, disable):
        verb.add_argument("--comment", required=True, help="why, for the audit log")
    add_confirmation(enable)
