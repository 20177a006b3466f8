"""``GET /admin/metrics``: samples of the process that serves it."""

from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from oms.api.metrics.metric_sampling import take_sample


async def test_series_count_what_the_process_served(busy: InProcessGateway) -> None:
    await take_sample(busy.api_context)
    for _ in range(3):
        await busy.order("?wait_ms=5000")
    await take_sample(busy.api_context)
    answer = await busy.client("GET", "/admin/metrics?range=15m", key=ADMIN_KEY)
    assert answer.status == 200, answer.body
    first, second = answer.json()["points"]
    assert (second["commands"], second["errors"], second["queue_depth"]) == (3, 0, 0)
    assert second["requests"] == 3 and second["workers"] == 1
    assert first["ts"] < second["ts"] and second["database_ms"] >= 0


async def test_it_is_for_admins_and_known_ranges(busy: InProcessGateway) -> None:
    assert (await busy.client("GET", "/admin/metrics")).status == 403
    odd = await busy.client("GET", "/admin/metrics?range=2d", key=ADMIN_KEY)
    assert (odd.status, odd.detail["code"]) == (422, "validation_error")
