"""Share links in a browser: made by a trader, opened by a reader without an account, revoked."""

from typing import TYPE_CHECKING

from e2e.web.conftest import open_web_desk
from kit.browser.trader import Trader
from kit.browser.web_desk import WebDesk
from kit.gateway.demo import DemoGateway

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page


async def test_link_is_opened_without_an_account_and_revoked(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway, browser: "Browser"
) -> None:
    page, trader = web_desk_of_demo.page, Trader(web_desk_of_demo)
    await web_desk_of_demo.log_in(demo_gateway.api_key_of("trader"), "share-links")
    results = await _create(trader, "Results of the month", "Results")
    await _create_all_views(trader)
    asked: list[str] = []
    async for reader in open_web_desk(browser, demo_gateway):
        reader.page.on("request", lambda one: asked.append(one.url))
        await reader.page.goto(results)
        shown = reader.page.get_by_role("heading", name="Results of the month")
        await shown.wait_for()
        await reader.page.get_by_text("Win rate").wait_for()
        assert "USDT" not in await reader.page.get_by_role("main").inner_text()
        assert await reader.accessibility_findings() == []
        # No session is asked for, and the token is in no request but that of the figures.
        assert not any("/auth/" in url for url in asked)
        token = results.split("#")[1]
        assert {url for url in asked if token in url} == {f"{demo_gateway.base_url}/share/{token}"}

        reader.expected_refusals.add((404, f"/share/{token}"))
        row = page.get_by_role("table", name="Share links").get_by_role("row")
        await trader.choose_action(row.filter(has_text="Results of the month"), "Revoke")
        await trader.confirm("Revoke Results of the month", "Revoke")
        await row.filter(has_text="Results of the month").get_by_text("Revoked").wait_for()
        await reader.page.reload()
        await reader.page.get_by_text("This link shows nothing.").wait_for()
        assert await reader.accessibility_findings() == []


async def _create_all_views(trader: Trader) -> None:
    """Create a link of each further view, with amounts, and look at what it shows."""
    opened = trader.web_desk
    assert isinstance(opened.gateway, DemoGateway)
    addresses = {
        "Equity over time": await _create(trader, "Equity", "Equity over time", amounts=True),
        "Open positions": await _create(trader, "Now open", "Open positions", amounts=True),
    }
    page = await opened.context.new_page()
    await page.goto(addresses["Equity over time"])
    await page.get_by_role("img", name="Change since the first point").first.wait_for()
    await page.goto("about:blank")
    await page.goto(addresses["Open positions"])
    table = page.get_by_role("table", name="Open positions")
    await table.get_by_role("row").nth(1).wait_for()
    heads = await table.get_by_role("columnheader").all_inner_texts()
    assert {"Symbol", "Change", "Quantity", "Profit"} <= set(heads)
    await page.close()


async def _create(trader: Trader, title: str, view: str, *, amounts: bool = False) -> str:
    """Return the address of a new link, which is shown once."""
    page: Page = trader.page
    await page.get_by_role("button", name="New share link").first.click()
    dialog = trader.dialog("New share link")
    await dialog.get_by_role("textbox", name="Title").fill(title)
    await dialog.get_by_role("combobox", name="Shows").click()
    await page.get_by_role("option", name=view, exact=True).click()
    await dialog.get_by_role("group", name="Accounts").get_by_role("checkbox").first.check()
    if amounts:
        await dialog.get_by_role("checkbox", name="Show amounts").check()
    await dialog.get_by_role("button", name="Create the link").click()
    shown = trader.dialog("The address of the link")
    address = await shown.locator("code").inner_text()
    await shown.get_by_role("checkbox", name="I copied the address").check()
    await shown.get_by_role("button", name="Close").click()
    await shown.wait_for(state="detached")
    assert address not in await page.content()
    return address
