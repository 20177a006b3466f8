"""The dashboard, the search and the system status, with the data of ``oms demo``."""

import re

from kit.browser.web_desk import WebDesk
from kit.gateway.demo import DemoGateway

_CUT_TEXTS = """(one) => [...one.children].filter((part) => part.scrollWidth > part.clientWidth)
  .map((part) => part.textContent)"""


async def test_figures_lead_to_the_rows_that_they_count(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    opened, page = web_desk_of_demo, web_desk_of_demo.page
    key = demo_gateway.api_key_of("trader")
    await opened.log_in(key, "dashboard?period=30d&acc=1")
    calendar = page.get_by_role("list", name="Result of each day")
    await calendar.get_by_role("listitem").filter(has_text=re.compile("closed")).first.wait_for()
    await page.get_by_text("Mon", exact=True).wait_for()
    await page.locator("main svg polyline").first.wait_for(state="attached")
    await page.get_by_role("heading", name="Alerts", exact=True).wait_for()
    # Nothing is pointed at: the legend has the last values.
    values = page.locator(".chart-legend .u-value")
    await values.first.wait_for()
    shown = await values.all_inner_texts()
    assert len(shown) == 4 and all(re.search(r"\d", value) for value in shown), shown
    await page.get_by_role("combobox", name="Account or strategy").click()
    await page.get_by_role("option", name=re.compile("^Results of ")).first.click()
    await page.get_by_role("img", name=re.compile("^Results ")).wait_for()
    assert await opened.accessibility_findings() == []
    path = f"{demo_gateway.base_url}/oms/orders/open?limit=1000&account_ids=1"
    answer = await page.request.get(path, headers={"x-api-key": key})
    count = len((await answer.json())["items"])
    orders = page.get_by_role("link", name=re.compile(f"^Open orders {count}$"))
    await orders.wait_for()
    await page.get_by_role("link", name=re.compile("^Exposure, gross .* net ")).wait_for()
    await page.get_by_role("link", name=re.compile("^Rejected today")).click()
    await page.wait_for_url(re.compile(r"orders/history\?.*status=REJECTED"))
    assert "period=today" in page.url

    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="Search").fill("position ")
    await page.get_by_role("option", name=re.compile(r"^Position \d+, ")).first.click()
    details = page.get_by_role("dialog", name=re.compile(r"^Position \d+"))
    await details.get_by_text("Largest quantity").wait_for()
    await page.keyboard.press("Escape")
    await details.wait_for(state="detached")
    await page.keyboard.press("n")
    await page.get_by_role("form", name="Order ticket").wait_for()
    await page.keyboard.press("]")
    await page.get_by_role("tab", name=re.compile("^Orders"), selected=True).wait_for()


async def test_system_status_names_each_part(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    opened, page = web_desk_of_demo, web_desk_of_demo.page
    await opened.log_in(demo_gateway.api_key_of("trader"), "system")
    parts = page.get_by_role("table", name="Parts")
    database = parts.get_by_role("row").filter(has_text="Database")
    await database.get_by_text("OK", exact=True).wait_for()
    await database.get_by_text(re.compile(r"^[\d.]+ ms$")).first.wait_for()
    await page.get_by_text("No runner has run a task.").wait_for()


async def test_refusals_are_shown_whole(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    opened, page = web_desk_of_demo, web_desk_of_demo.page
    await opened.log_in(demo_gateway.api_key_of("trader"), "dashboard")
    below_minimum = page.get_by_role("link", name=re.compile("refused: The value is below"))
    await below_minimum.wait_for()
    assert await below_minimum.evaluate(_CUT_TEXTS) == []
    await opened.open("orders/history?status=REJECTED")
    # The column of reasons is shown, and its tooltip has what the gateway said.
    said = page.get_by_role("table", name="Order history").get_by_title("below the minimum")
    await said.filter(has_text="The value is below").wait_for()
