"""Raw rows of the exchange: found by id, with their JSON."""

import re

from kit.browser.web_desk import WebDesk
from kit.gateway.demo import DemoGateway


async def test_raw_order_is_found_by_its_id_with_its_json(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    page = web_desk_of_demo.page
    await web_desk_of_demo.log_in_as("trader", demo_gateway.password_of("trader"))
    await web_desk_of_demo.open("raw")
    rows = page.get_by_role("table", name="Raw orders").get_by_role("row")
    await rows.nth(2).wait_for()
    exchange_id = await rows.nth(2).get_by_text(re.compile(r"^o\d+$")).inner_text()

    field = page.get_by_role("searchbox", name="Id or status")
    await field.fill(exchange_id)
    await field.press("Enter")
    await rows.nth(2).wait_for(state="detached")
    await rows.nth(1).get_by_role("button", name="Actions of").click()
    await page.get_by_role("menuitem", name="Details").click()
    await page.get_by_label("JSON").get_by_text(f'"id": "{exchange_id}"').wait_for()
    assert await web_desk_of_demo.accessibility_findings() == []
    await page.get_by_role("button", name="Find our order").click()
    ours = page.get_by_role("dialog", name=re.compile(r"^Order \d+"))
    await ours.get_by_text(exchange_id, exact=True).wait_for()
    await page.keyboard.press("Escape")
    await ours.wait_for(state="detached")
    await page.keyboard.press("Escape")

    await field.fill("no such id")
    await field.press("Enter")
    await page.get_by_text("Nothing matches the filters.").wait_for()

    await page.get_by_role("tab", name="Live stream").click()
    frames = page.get_by_role("table", name="Frames of the stream").get_by_role("row")
    await frames.filter(has_text="positions_marked").first.dblclick()
    await page.get_by_label("JSON").get_by_text('"event": "positions_marked"').wait_for()
    assert await web_desk_of_demo.accessibility_findings() == []
