"""API keys in a browser: shown once when created, refused after they were disabled."""

import time
from typing import TYPE_CHECKING, Any

from e2e.web.conftest import open_web_desk
from kit.browser.web_desk import WebDesk
from kit.machine_load import LoadMeter

if TYPE_CHECKING:
    from playwright.async_api import Browser

#: An idle page of a key that was disabled ends within this.
ENDS_WITHIN_SECONDS = 5.0


async def test_key_is_shown_once_and_disabled(
    web_desk_on_each: WebDesk, browser: "Browser"
) -> None:
    web_desk = web_desk_on_each
    page, admin_key = web_desk.page, web_desk.gateway.admin_api_key
    web_desk.expected_refusals.add((403, "/admin/api-keys"))
    await web_desk.log_in(admin_key, "admin/keys")
    await page.get_by_role("button", name="New API key").click()
    await page.get_by_role("combobox", name="User").fill("trader")
    await page.get_by_role("option").first.click()
    await page.get_by_role("textbox", name="Label").fill("robot 7")
    await page.get_by_label("Comment").fill("key of a new robot")
    await page.get_by_role("button", name="Create key").click()
    await page.get_by_role("textbox", name="API key").fill(admin_key)
    await page.get_by_role("button", name="Confirm").click()
    key = await page.locator("code").inner_text()
    assert await read_profile(web_desk, key) == 200
    await page.get_by_role("checkbox", name="I saved it").click()
    await page.get_by_role("button", name="Close").last.click()
    await page.get_by_text("robot 7").wait_for()
    assert key not in await page.content()
    assert await web_desk.accessibility_findings() == []

    row = page.get_by_role("row").filter(has_text="robot 7")
    await row.get_by_role("button").click()
    await page.get_by_role("menuitem", name="Limit orders").click()
    dialog = page.get_by_role("alertdialog")
    await dialog.get_by_role("textbox", name="Largest order").fill("2500.5")
    await dialog.get_by_label("Comment").fill("the robot begins small")
    assert await web_desk.accessibility_findings() == []
    await dialog.get_by_role("button", name="Limit orders").click()
    await dialog.wait_for(state="detached")
    assert await read_cap(web_desk, "robot 7") == "2500.5"
    await grant_reading(web_desk, "robot 7")
    async for other in open_web_desk(browser, web_desk.gateway):
        await other.log_in(key, "positions")
        await other.page.get_by_role("status").filter(has_text="Live").wait_for(state="attached")
        other.expected_errors.add("status of 401")
        await row.get_by_role("button").click()
        await page.get_by_role("menuitem", name="Disable key").click()
        await page.get_by_label("Comment").fill("the robot is gone")
        await page.get_by_role("button", name="Disable key").click()
        await row.filter(has_text="Disabled").wait_for()
        with LoadMeter() as load:
            disabled_at = time.monotonic()
            await other.page.get_by_role("tab", name="API key").wait_for(timeout=30_000)
            took = time.monotonic() - disabled_at
        assert took < load.stretch(ENDS_WITHIN_SECONDS)
    assert await read_profile(web_desk, key) == 401


async def read_profile(web_desk: WebDesk, key: str) -> int:
    """Return the status that the gateway answers to this key."""
    address = f"{web_desk.gateway.base_url}/user/profile"
    return (await web_desk.page.request.get(address, headers={"x-api-key": key})).status


async def grant_reading(web_desk: WebDesk, label: str) -> None:
    """Let a key read the account: without one its page has no event stream."""
    gateway = web_desk.gateway
    key_id = (await read_key(web_desk, label))["api_key_id"]
    answer = await web_desk.page.request.put(
        f"{gateway.base_url}/admin/api-keys/{key_id}/permissions",
        headers={"x-api-key": gateway.admin_api_key},
        data={"account_id": gateway.account_id, "can_read": True, "comment": "it looks on"},
    )
    assert answer.status == 200, await answer.text()


async def read_cap(web_desk: WebDesk, label: str) -> str | None:
    """Return the largest order that the gateway allows this key."""
    cap = (await read_key(web_desk, label))["restrictions"]["max_order_notional"]
    return None if cap is None else str(cap)


async def read_key(web_desk: WebDesk, label: str) -> dict[str, Any]:
    """Return the row of the key with this label."""
    gateway = web_desk.gateway
    address = f"{gateway.base_url}/admin/users-api-keys"
    headers = {"x-api-key": gateway.admin_api_key}
    keys = (await (await web_desk.page.request.get(address, headers=headers)).json())["items"]
    (found,) = (key for key in keys if key["label"] == label)
    return dict(found)
