"""Every page of the web desk with the data of ``oms demo``: accessible in both themes, no error.

With ``OMS_SCREENSHOTS`` the pages are also written as images into that folder.
"""

import os
from pathlib import Path

import pytest

from kit.browser.web_desk import WebDesk
from kit.gateway.demo import DemoGateway

_PATHS = """() => [...document.querySelectorAll("nav a[href^='/ui/']")]
  .map((link) => new URL(link.href).pathname.slice("/ui/".length))"""
_IS_DRAWN = "() => document.querySelector('main') && !document.querySelector('main .animate-spin')"


@pytest.mark.parametrize("user_name", ["admin", "trader", "risk"])
async def test_every_page_of_a_user(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway, user_name: str
) -> None:
    desk = web_desk_of_demo
    await desk.log_in_as(user_name, demo_gateway.password_of(user_name))
    paths = dict.fromkeys([*await desk.page.evaluate(_PATHS), "account"])
    assert {"dashboard", "positions", "orders", "deals", "risk"} <= paths.keys()
    findings = {}
    for path in paths:
        await desk.open(path)
        await desk.page.get_by_role("main").wait_for()
        await desk.page.wait_for_function(_IS_DRAWN)
        if found := await desk.accessibility_findings():
            findings[path] = found
        await _save_image(desk, f"{user_name}-{path.replace('/', '-')}")
    assert findings == {}


async def _save_image(desk: WebDesk, name: str) -> None:
    folder = os.environ.get("OMS_SCREENSHOTS")
    if folder:
        await desk.page.screenshot(path=Path(folder) / f"{name}.png")
