"""API keys in a browser: shown once when created, refused after they were disabled."""

from kit.browser.web_desk import WebDesk


async def test_key_is_shown_once_and_disabled(web_desk: WebDesk) -> None:
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
    await row.get_by_role("button").click()
    await page.get_by_role("menuitem", name="Disable key").click()
    await page.get_by_label("Comment").fill("the robot is gone")
    await page.get_by_role("button", name="Disable key").click()
    await row.filter(has_text="Disabled").wait_for()
    assert await read_profile(web_desk, key) == 401


async def read_profile(web_desk: WebDesk, key: str) -> int:
    """Return the status that the gateway answers to this key."""
    address = f"{web_desk.gateway.base_url}/user/profile"
    return (await web_desk.page.request.get(address, headers={"x-api-key": key})).status


async def read_cap(web_desk: WebDesk, label: str) -> str | None:
    """Return the largest order that the gateway allows this key."""
    gateway = web_desk.gateway
    address = f"{gateway.base_url}/admin/users-api-keys"
    headers = {"x-api-key": gateway.admin_api_key}
    keys = (await (await web_desk.page.request.get(address, headers=headers)).json())["items"]
    (cap,) = (key["restrictions"]["max_order_notional"] for key in keys if key["label"] == label)
    return None if cap is None else str(cap)
