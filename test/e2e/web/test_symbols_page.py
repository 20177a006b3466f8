"""The symbols of an account's exchange: search, a favourite, and the way to the order ticket."""

import re

from kit.browser.web_desk import WebDesk


async def test_symbol_is_found_made_a_favourite_and_traded(web_desk: WebDesk) -> None:
    await web_desk.log_in(view="symbols")
    page = web_desk.page
    rows = page.get_by_role("table", name="Symbols").get_by_role("row")
    await rows.filter(has_text="BTC/USDT").first.wait_for()
    everything = await rows.count()

    await page.get_by_role("searchbox", name="Search symbols").fill("usdt btc")
    await page.wait_for_url(re.compile(r"find="))
    found = await page.get_by_role("table", name="Symbols").get_by_role("row").count()
    assert 1 < found < everything

    await page.get_by_role("button", name="Favourite BTC/USDT", exact=True).click()
    await page.get_by_role("checkbox", name="Favourites only").click()
    await page.wait_for_url(re.compile(r"star=1"))
    assert await rows.count() == 2  # head and the favourite
    assert await web_desk.accessibility_findings() == []

    await page.get_by_role("button", name=re.compile("^Actions of")).click()
    await page.get_by_role("menuitem", name="Trade", exact=True).click()
    await page.wait_for_url(re.compile(r"/ui/trade\?.*trade=BTC"))
    await page.locator('input[role="combobox"][value="BTC/USDT"]').wait_for()


async def test_search_without_a_match_says_so(web_desk: WebDesk) -> None:
    await web_desk.log_in(view="symbols?find=no-such-symbol")
    await web_desk.page.get_by_text("Nothing matches the filters.").wait_for()
    await web_desk.page.get_by_role("button", name="Clear filters").click()
    await web_desk.page.get_by_text("BTC/USDT", exact=True).first.wait_for()
