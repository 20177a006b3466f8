"""Every page of the web desk with the data of ``oms demo``: accessible in both themes, no error.

With ``OMS_SCREENSHOTS`` the pages are also written as images into that folder.
"""

import os
from pathlib import Path

from kit.browser.web_desk import WebDesk
from kit.gateway.demo import DemoGateway

_PATHS = """() => [...document.querySelectorAll("nav a[href^='/ui/']")]
  .map((link) => new URL(link.href).pathname.slice("/ui/".length))"""
_IS_DRAWN = "() => document.querySelector('main') && !document.querySelector('main .animate-spin')"


async def test_every_page_of_a_trader(web_desk_of_demo: WebDesk, demo_gateway: DemoGateway) -> None:
    paths = await _log_in(web_desk_of_demo, demo_gateway, "trader")
    assert {"dashboard", "trade", "positions", "orders", "deals", "risk"} <= paths
    assert not any(path.startswith("admin/") for path in paths)
    await _check_pages(web_desk_of_demo, sorted(paths))


async def test_every_further_page_of_an_admin(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    others = await _log_in(web_desk_of_demo, demo_gateway, "trader")
    await web_desk_of_demo.context.clear_cookies()
    paths = await _log_in(web_desk_of_demo, demo_gateway, "admin")
    assert "trade" not in paths
    assert {"audit", "admin/keys"} <= paths - others
    await _check_pages(web_desk_of_demo, sorted(paths - others))


async def _log_in(opened: WebDesk, demo: DemoGateway, user_name: str) -> set[str]:
    """Return the paths of the pages that the user is offered."""
    await opened.log_in_as(user_name, demo.password_of(user_name))
    return {*await opened.page.evaluate(_PATHS), "account"}


async def _check_pages(opened: WebDesk, paths: list[str]) -> None:
    findings = {}
    for path in paths:
        await opened.open(path)
        await opened.page.get_by_role("main").wait_for()
        await opened.page.wait_for_function(_IS_DRAWN)
        if found := await opened.accessibility_findings():
            findings[path] = found
        await _save_image(opened, path.replace("/", "-"))
    assert findings == {}


async def _save_image(opened: WebDesk, name: str) -> None:
    folder = os.environ.get("OMS_SCREENSHOTS")
    if folder:
        await opened.page.screenshot(path=Path(folder) / f"{name}.png")
