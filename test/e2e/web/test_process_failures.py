"""What the web desk shows while processes of the gateway are stopped or killed."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from e2e.web.conftest import open_web_desk
from kit.browser.trader import Trader
from kit.databases.sql import fetch_rows
from kit.gateway.processes import Gateway, run_gateway
from kit.http.client import call
from kit.machine_load import LoadMeter
from kit.polling import wait_until

if TYPE_CHECKING:
    from playwright.async_api import Browser

POSITIONS = "Open positions"
SILENT = "No worker answers: commands wait"
SHOWN_WITHIN_SECONDS = 6.0


@pytest.fixture(scope="module")
def own_gateway(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose processes the tests end."""
    with run_gateway(Gateway(tmp_path_factory.mktemp("web-failures"), workers=1)) as running:
        yield running


async def test_stopped_and_killed_workers_are_shown(
    own_gateway: Gateway, browser: "Browser"
) -> None:
    async for opened in open_web_desk(browser, own_gateway):
        await opened.log_in(view=f"trade?acc={own_gateway.account_id}")
        opened.expected_errors.add("status of 503")  # Quotes need a worker.
        status = opened.page.get_by_role("status").filter(has_text=SILENT)
        await opened.page.get_by_role("status").filter(has_text="Live").wait_for(state="attached")
        for end in (own_gateway.terminate, own_gateway.kill):
            await asyncio.to_thread(end, "worker")
            with LoadMeter() as load:
                ended_at = time.monotonic()
                await status.wait_for()
                took = time.monotonic() - ended_at
            assert took < load.stretch(SHOWN_WITHIN_SECONDS)
            assert await opened.accessibility_findings() == []
            own_gateway.start_worker()
            await status.wait_for(state="detached")


async def test_a_command_on_its_way_is_unknown_while_the_api_is_dead(
    own_gateway: Gateway, browser: "Browser"
) -> None:
    async for opened in open_web_desk(browser, own_gateway):
        await opened.log_in(view=f"trade?acc={own_gateway.account_id}")
        trader = Trader(opened)
        await trader.fill_ticket("0.02")
        await trader.preview.get_by_text("Limits passed").wait_for()
        await trader.ticket.get_by_role("button", name="Buy").last.click()
        # Quotes need a worker; and what the browser logs of a server that is gone.
        opened.expected_errors |= {"status of 503", "net::ERR_"}
        os.kill(own_gateway.pid("worker"), signal.SIGSTOP)
        await trader.dialog("Send the order").get_by_role("button", name="Send").click()
        await asyncio.to_thread(_kill_api_with_a_queued_command, own_gateway)
        await opened.page.get_by_text("Outcome unknown").first.wait_for()
        os.kill(own_gateway.pid("worker"), signal.SIGCONT)
        await asyncio.to_thread(own_gateway.start_api)
        await trader.row(POSITIONS, "0.02").wait_for()
        await opened.page.get_by_text("Done:").first.wait_for()
        assert await trader.row(POSITIONS, "0.02").count() == 1
        # The socket resumed: the next order is shown without a reload, and each row once.
        await trader.fill_ticket("0.02")
        await trader.send_ticket()
        await trader.row(POSITIONS, "0.04").wait_for()
        assert (
            await opened.page.get_by_role("table", name=POSITIONS).get_by_role("row").count() == 2
        )
    path = f"/oms/deals?cursor=&account_ids={own_gateway.account_id}"
    _, deals, _ = await asyncio.to_thread(call, own_gateway, "GET", path)
    assert len([row for row in deals["items"] if row["type"] == "trade"]) == 2


def _kill_api_with_a_queued_command(gateway: Gateway) -> None:
    """Kill the API once the command is stored, before it is answered."""
    queued = "SELECT COUNT(*) FROM oms_commands WHERE status = 'queued'"
    wait_until(lambda: fetch_rows(gateway.dsn, queued)[0][0] == 1, 5, "the command is stored")
    gateway.kill("api")
