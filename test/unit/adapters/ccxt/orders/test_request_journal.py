"""Which version of a request's row the journal stores."""

from collections.abc import AsyncIterator

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, CcxtHarness, now
from kit.exchanges.scripted_venue import ScriptedVenue
from kit.polling import poll_until
from oms.domain.value import evolve

#: A placement that waits for a place gets a later deadline after 0.3 s.
TIMINGS = evolve(FAST_TIMINGS, send_within_seconds=0.4, queue_seconds=60)


@pytest.fixture
async def harness() -> AsyncIterator[CcxtHarness]:
    venue = ScriptedVenue()
    options = {"inflight_writes_max": 1}
    harness = CcxtHarness(make_client=lambda: venue, timings=TIMINGS, options=options).start()
    yield await harness.wait_ready()
    await harness.exchange.close()


async def test_a_request_that_is_revoked_while_its_deadline_is_extended_keeps_that_outcome(
    harness: CcxtHarness,
) -> None:
    """The cancel comes after the later deadline was fetched and before it is stored."""

    async def fetch_reports() -> object:
        return await harness.exchange.poll_reports(now())

    await harness.send(1, "buy", "1", "100")
    await harness.send(2, "buy", "1", "100")
    first_deadline = harness.attempts[2, 1, "place"].may_send_until
    await poll_until(fetch_reports, lambda _: harness.exchange.needs_commit())
    await fetch_reports()
    await harness.cancel(2)
    await harness.wait_for_state(2, "CANCELED")
    row = harness.attempts[2, 1, "place"]
    assert row.may_send_until > first_deadline
    assert (row.outcome, row.code) == ("not_sent", "revoked")
