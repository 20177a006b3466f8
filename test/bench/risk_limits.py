"""Sets every limit of a risk policy, so high that no order of a load is refused."""

from bench.processes import BenchError, await_condition, http
from bench.systems import System
from oms.domain.risk.policy_keys import KEYS, KeyKind, PolicyKey

HIGH = "1000000000"
#: Limits whose value has an upper bound, or that refuse what the load does when they are high.
VALUES = {
    "price_collar_pct": "99",
    "max_capital_per_position_pct": "100",
    "daily_loss_limit_pct": "100",
    "max_total_drawdown_pct": "100",
    "min_order_notional": "0.01",
    "duplicate_order_window_seconds": "3600",
    "risk_day_zone": "Europe/Berlin",
}
#: Every position of the load ends with a loss: after at most a hundred nothing would be opened.
LEFT_OUT = frozenset({"cooldown_seconds_after_losses", "losses_in_a_row"})
SECONDS_MAX = 10.0


def set_every_limit(system: System) -> None:
    """Set all keys but ``LEFT_OUT`` for the whole gateway, and wait until its worker uses them."""
    api_key = system.create_key("admin")
    body = every_limit(system.target.symbol)
    url = f"{system.target.base_url}/risk/policy"
    status, text = http("PUT", url, api_key=api_key, body=body)
    if status != 200:
        raise BenchError(f"the limits were not set: {status} {text[:500]}")
    usage = f"{system.target.base_url}/risk/usage?account_id={system.target.accounts[-1]}"
    await_condition(
        lambda: '"max_order_notional"' in http("GET", usage, api_key=api_key)[1],
        seconds=SECONDS_MAX,
        what="the worker uses the limits",
    )


def every_limit(symbol: str) -> dict[str, object]:
    """Return the request body that sets all keys but ``LEFT_OUT`` for the whole gateway."""
    keys = {name: _value(key, symbol) for name, key in KEYS.items() if name not in LEFT_OUT}
    return {"scope": "global", "scope_id": 0, "keys": keys, "comment": "bench"}


def _value(key: PolicyKey, symbol: str) -> object:
    if key.kind is KeyKind.FLAG:
        return True
    if key.kind is KeyKind.SYMBOLS:
        return [symbol]
    return VALUES.get(key.name, HIGH)
