"""Lists in groups, saved views, and orders in other units, with the data of ``oms demo``."""

import re

from kit.browser.trader import Trader
from kit.browser.web_desk import WebDesk
from kit.gateway.demo import DemoGateway


async def test_deals_are_grouped_and_the_view_is_saved(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    opened, page = web_desk_of_demo, web_desk_of_demo.page
    await opened.log_in(demo_gateway.api_key_of("trader"), "deals?period=30d")
    heads = page.get_by_role("table", name="Deals").get_by_role("rowheader")
    await page.get_by_role("button", name="Group by").click()
    await page.get_by_role("menuitem", name="Day").click()
    await heads.filter(has_text=re.compile(r"^20\d\d-\d\d-\d\d\d+ row")).first.wait_for()
    groups = page.get_by_role("row").filter(has=page.get_by_role("rowheader"))
    assert "USDT" in await groups.first.inner_text()

    assert await opened.accessibility_findings() == []

    await page.get_by_role("button", name="Saved views").click()
    await page.get_by_role("menuitem", name="Save this view").click()
    await page.get_by_role("textbox", name="Name").fill("by day")
    async with page.expect_response(lambda one: one.url.endswith("/user/preferences")):
        await page.get_by_role("button", name="Save", exact=True).click()

    await page.get_by_role("button", name="Group by").click()
    await page.get_by_role("menuitem", name="Not grouped").click()
    await heads.first.wait_for(state="detached")
    await page.evaluate("localStorage.clear()")
    await opened.open("deals")
    await page.get_by_role("button", name="Saved views").click()
    await page.get_by_role("menuitem", name="by day").click()
    await heads.first.wait_for()
    await page.wait_for_url(re.compile("period=30d"))


#: Its end is on the screen, and nothing lies above it.
_IS_IN_SIGHT = """(one) => {
  const box = one.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.bottom - 4);
  return box.bottom <= innerHeight && one.contains(top);
}"""


async def test_ticket_counts_in_value_and_in_risk(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    trader, page = Trader(web_desk_of_demo), web_desk_of_demo.page
    await web_desk_of_demo.log_in(demo_gateway.api_key_of("trader"), "trade")
    await trader.fill_ticket("0.02", limit_price="50000")
    ticket = trader.ticket
    await ticket.get_by_text("≈ 1,000.00 USDT").wait_for()
    await ticket.get_by_role("combobox", name="Unit").click()
    await page.get_by_role("option", name="USDT", exact=True).click()
    await ticket.get_by_role("textbox", name="Quantity").fill("2500")
    await ticket.get_by_text("= 0.05 BTC").wait_for()
    await ticket.get_by_role("button", name="Risk (R)").click()
    await ticket.get_by_role("textbox", name="Stop loss").fill("49000")
    await ticket.get_by_role("textbox", name="Take profit").fill("2.5")
    await ticket.get_by_text("= 52,500 USDT").wait_for()
    await ticket.get_by_text(
        "At the stop \N{MINUS SIGN}50.00 USDT · at the target +125.00 USDT · 2.50 R"
    ).wait_for()
    await page.get_by_role("button", name="Buy 0.05 BTC/USDT:USDT at 50,000").wait_for()
    await trader.preview.get_by_text("2,500.00 USDT").wait_for()
    assert await trader.preview.evaluate(_IS_IN_SIGHT)
    await ticket.get_by_role("combobox", name="Unit").click()
    await page.get_by_role("option", name="% of equity").click()
    await ticket.get_by_role("textbox", name="Quantity").fill("1")
    await ticket.get_by_text(re.compile(r"= 0\.\d+ BTC, ≈ [\d,.]+ USDT")).wait_for()
    assert await web_desk_of_demo.accessibility_findings() == []


async def test_statistics_are_those_of_the_gateway(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    opened, page = web_desk_of_demo, web_desk_of_demo.page
    await opened.log_in(demo_gateway.api_key_of("trader"), "stats?period=90d&group=symbol")
    rows = page.get_by_role("table", name="Results").get_by_role("row")
    row = rows.filter(has=page.get_by_role("cell", name="SOL/USDT:USDT", exact=True))
    async with page.expect_response(lambda one: "group_by=symbol" in one.url) as answered:
        await page.get_by_role("button", name="Refresh").click()
    groups = (await (await answered.value).json())["groups"]
    (sol,) = [each for each in groups if each["key"] == "SOL/USDT:USDT"]
    cells = await row.get_by_role("cell").all_inner_texts()
    assert cells[1:3] == [str(sol["closed_positions"]), str(sol["open_positions"])]
    shown = cells[3].replace(",", "").replace("−", "-").removeprefix("+")
    assert sol["total_pnl"].startswith(shown), (shown, sol["total_pnl"])
    await (
        page.get_by_role("radio", name="Execution")
        .or_(page.get_by_role("button", name="Execution"))
        .first.click()
    )
    await (
        page.get_by_role("table", name="Execution")
        .get_by_text(re.compile(" bps$"))
        .first.wait_for()
    )


async def test_statistics_of_one_strategy(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    opened, page = web_desk_of_demo, web_desk_of_demo.page
    await opened.log_in(demo_gateway.api_key_of("trader"), "stats?period=90d&group=symbol")
    await page.get_by_role("combobox", name="Strategy").fill("Breakout")
    async with page.expect_response(lambda one: "strategy_id=" in one.url) as answered:
        await page.get_by_role("option", name="Breakout").click()
    figures = await (await answered.value).json()
    assert figures["closed_positions"] > 0
    rows = page.get_by_role("table", name="Results").get_by_role("row")
    whole = rows.filter(has=page.get_by_role("cell", name="All", exact=True))
    await whole.get_by_text(str(figures["closed_positions"]), exact=True).first.wait_for()
    await page.wait_for_url(re.compile(r"strategy=\d+"))
    async with page.expect_response(lambda one: "source_id=0" in one.url):
        await page.get_by_role("combobox", name="Signal source").click()
        await page.get_by_role("option", name="Not by a signal").click()
    assert await opened.accessibility_findings() == []
