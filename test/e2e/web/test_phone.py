"""The web desk on a phone: to monitor and to stop. Rows are cards, administration is read-only."""

import asyncio
from typing import TYPE_CHECKING

from kit.browser.trader import SYMBOL
from kit.browser.web_desk import WebDesk
from kit.gateway.demo import DemoGateway
from kit.gateway.kill_switches import release
from kit.http.client import call

if TYPE_CHECKING:
    from playwright.async_api import Page

SIZE = {"width": 390, "height": 844}
COMMENT = "stopped from a phone"
#: Lists of administration: what changes them on a larger screen.
_ADMINISTRATION = {
    "admin/accounts": "New account",
    "admin/users": "New user",
    "admin/keys": "New API key",
    "strategies": "New strategy",
    "signals/sources": "New source",
    "notifications": "New sink",
}
_IS_DRAWN = "() => !document.querySelector('main .animate-spin')"
_WIDTH = "() => document.documentElement.scrollWidth"


async def test_position_is_watched_and_trading_stopped(web_desk: WebDesk) -> None:
    gateway, page = web_desk.gateway, web_desk.page
    (account_id,) = await asyncio.to_thread(gateway.add_accounts, 1, position_mode="hedge")
    order = {"symbol": SYMBOL, "order_type": "market", "side": "buy", "qty": "0.02"}
    body = {"account_id": account_id, "command": "send_order", "payload": order}
    await asyncio.to_thread(call, gateway, "POST", "/oms/commands?wait_ms=10000", body)
    await page.set_viewport_size(SIZE)  # type: ignore[arg-type]
    await web_desk.log_in(view=f"dashboard?acc={account_id}")
    bar = page.get_by_role("navigation", name="Pages")
    assert await bar.get_by_role("link").all_inner_texts() == [
        *("Dashboard", "Positions", "Open orders", "Risk")
    ]
    await bar.get_by_role("link", name="Positions").click()
    card = page.get_by_role("list", name="Open positions").get_by_role("listitem")
    await card.get_by_text(SYMBOL).wait_for()
    assert await page.get_by_role("table").count() == 0
    assert await web_desk.accessibility_findings() == []
    await card.get_by_role("button", name="Actions of").click()
    await page.get_by_role("menuitem", name="Close…", exact=True).click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()

    # Two actions from any page: the button of the top bar, and that of the dialog.
    await page.get_by_role("button", name="Trading on").click()
    dialog = page.get_by_role("alertdialog", name="Stop trading now")
    await dialog.get_by_label("Comment").fill(COMMENT)
    assert await web_desk.accessibility_findings() == []
    await dialog.get_by_role("button", name="Stop trading").click()
    await page.get_by_role("status").filter(has_text=COMMENT).wait_for()
    await asyncio.to_thread(release, gateway, account_id)
    await page.get_by_role("status").filter(has_text=COMMENT).wait_for(state="detached")
    await bar.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name="Deals", exact=True).click()
    await page.get_by_role("list", name="Deals").get_by_text(SYMBOL).first.wait_for()


async def test_pages_fit_the_screen(web_desk_of_demo: WebDesk, demo_gateway: DemoGateway) -> None:
    opened, page = web_desk_of_demo, web_desk_of_demo.page
    await page.set_viewport_size(SIZE)  # type: ignore[arg-type]
    await opened.log_in(demo_gateway.api_key_of("trader"))
    for path in ("dashboard", "positions", "orders", "risk", "trade", "deals"):
        await opened.open(path)
        await page.get_by_role("button", name="Trading on").wait_for()
        await page.wait_for_function(_IS_DRAWN)
        assert await page.evaluate(_WIDTH) == SIZE["width"], path
        assert await _unreachable(page) == [], path


async def _unreachable(page: "Page") -> list[str]:
    """Return the buttons of the top bar and the navigation that are outside of the screen."""
    found: list[str] = await page.evaluate(
        """({width, height}) => [
            ...document.querySelector('header').querySelectorAll('button'),
            ...document.querySelectorAll('nav button, nav a'),
          ]
          .filter((one) => one.checkVisibility())
          .filter((one) => {
            const box = one.getBoundingClientRect();
            return box.left < 0 || box.right > width || box.top < 0 || box.bottom > height;
          })
          .map((one) => one.getAttribute('aria-label') ?? one.textContent)""",
        SIZE,
    )
    return found


async def test_administration_is_read_only(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    opened, page = web_desk_of_demo, web_desk_of_demo.page
    await opened.log_in(demo_gateway.api_key_of("admin"))
    for path, create in _ADMINISTRATION.items():
        await page.set_viewport_size({"width": 1440, "height": 900})
        await opened.open(path)
        await page.get_by_role("button", name=create).first.wait_for()
        await page.set_viewport_size(SIZE)  # type: ignore[arg-type]
        await page.get_by_text("Changes are made on a larger screen.").first.wait_for()
        assert await page.get_by_role("button", name=create).count() == 0, path
        assert await page.get_by_role("button", name="Actions of").count() == 0, path
    await opened.open("admin/permissions")
    checks = page.get_by_role("main").get_by_role("checkbox")
    await checks.first.wait_for()
    assert [one for one in await checks.all() if await one.is_enabled()] == []
