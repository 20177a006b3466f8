"""``extra_config_json.oms.policies``: who decides on discrepancies of one account, by class."""

from collections.abc import Mapping

from oms.domain.errors import Invalid
from oms.domain.reconcile.discrepancy import DiscrepancyClass, DiscrepancyPolicy
from oms.wire.json import NotJson, loads

_CLASSES = frozenset(DiscrepancyClass)
_POLICIES = frozenset(DiscrepancyPolicy)


def read_policies(extra_config: str) -> Mapping[str, str]:
    """Return the policy by class; unknown classes and policies are ignored."""
    try:
        policies = loads(extra_config).get("oms", {}).get("policies", {})
        configured = list(policies.items())
    except (NotJson, AttributeError):
        return {}
    return {
        name: policy
        for name, policy in configured
        if name in _CLASSES and isinstance(policy, str) and policy in _POLICIES
    }


def check_policies(extra_config: str) -> None:
    """Raise ``Invalid`` (``extra_config_refused``) for unknown classes or policies.

    And for any policy but ``ask`` of ``order_over_filled``, which a user always decides.
    """
    try:
        policies = loads(extra_config).get("oms", {}).get("policies", {})
    except (NotJson, AttributeError):
        policies = None
    if not isinstance(policies, Mapping):
        raise _refused("policies by class of discrepancy are expected")
    for name, policy in policies.items():
        if name not in _CLASSES:
            raise _refused(
                f"{name[:64]!r} is not a class; use one of {', '.join(sorted(_CLASSES))}"
            )
        if not isinstance(policy, str) or policy not in _POLICIES:
            raise _refused(f"{name}: one of {', '.join(sorted(_POLICIES))} is expected")
        if name == DiscrepancyClass.ORDER_OVER_FILLED and policy != DiscrepancyPolicy.ASK:
            raise _refused(f"{name}: only ask is possible, everything executed is booked")


def _refused(message: str) -> Invalid:
    return Invalid(f"extra_config: oms.policies: {message}", code="extra_config_refused")
