"""Which budgets of a key all workers share."""

import pytest

from oms.adapters.ccxt.ratelimit.rate_bucket import Clock, RateLimitBucket, RateLimitBuckets
from oms.adapters.ccxt.ratelimit.request_throttle import RequestThrottle


@pytest.mark.parametrize(
    ("venue", "path", "budget"), [("bybit", "v5/order/create", 10), ("okx", "trade/order", 30)]
)
async def test_the_limit_on_orders_of_a_shared_key_is_shared(
    venue: str, path: str, budget: float
) -> None:
    shared: dict[str, float] = {}

    def make_shared(name: str, per_second: float, clock: Clock) -> RateLimitBucket:
        shared[name.rpartition(" ")[2]] = per_second
        return RateLimitBucket(per_second, clock)

    throttle = RequestThrottle(
        RateLimitBuckets(make_shared=make_shared),
        venue=venue,
        environment="live",
        api_key="key",
        is_key_shared=True,
    )
    await throttle.wait(None, api="private", path=path, cost=1, per_second=50)
    assert shared[path] == budget
