"""Users and permissions in a browser: created, permitted one account, disabled."""

from kit.browser.web_desk import WebDesk
from kit.gateway.demo import DemoGateway

_PASSWORD = "correct horse battery"
_ACCOUNT = "Bybit netting"


async def test_new_user_sees_the_account_that_it_is_permitted(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    opened, page = web_desk_of_demo, web_desk_of_demo.page
    opened.expected_refusals.add((403, "/admin/users-with-api-key"))
    await opened.log_in_as("admin", demo_gateway.password_of("admin"))
    await opened.open("admin/users")
    await page.get_by_role("button", name="New user").click()
    await page.get_by_role("textbox", name="User name").fill("grace")
    await page.get_by_label("Password (optional)").fill(_PASSWORD)
    await page.get_by_role("textbox", name="Label of the key").fill("laptop of grace")
    await page.get_by_label("Comment").fill("joins the team today")
    await page.get_by_role("button", name="Create user").click()
    await page.get_by_label("Password", exact=True).fill(demo_gateway.password_of("admin"))
    await page.get_by_role("button", name="Confirm").click()
    key = await page.locator("code").inner_text()
    await page.get_by_role("checkbox", name="I saved it").click()
    await page.get_by_role("button", name="Close").last.click()
    row = page.get_by_role("row").filter(has_text="grace")
    await row.wait_for()
    assert key not in await page.content()
    assert await opened.accessibility_findings() == []

    await row.get_by_role("button").click()
    await page.get_by_role("menuitem", name="Permissions").click()
    trade = page.get_by_role("checkbox", name=f"Trade: grace, laptop of grace, {_ACCOUNT}")
    await trade.click()
    assert await opened.accessibility_findings() == []
    # The arrow keys move between the cells; reading came with trading.
    await trade.press("ArrowRight")
    await page.keyboard.press("Space")
    await page.get_by_role("button", name="Save 1 change").click()
    dialog = page.get_by_role("alertdialog")
    await dialog.get_by_text("Read, Trade, Close").wait_for()
    assert await opened.accessibility_findings() == []
    await dialog.get_by_label("Comment").fill("trades this account")
    save = dialog.get_by_role("button", name="Save 1 change")
    assert await save.is_disabled()
    await dialog.get_by_label("Type GRANT 1 to confirm").fill("GRANT 1")
    await save.click()
    await dialog.wait_for(state="detached")
    assert await trade.is_checked()
    assert await page.get_by_role("button", name="Save", exact=True).is_disabled()

    await opened.context.clear_cookies()
    await opened.log_in_as("grace", _PASSWORD)
    answer = await page.request.get(f"{opened.gateway.base_url}/auth/me")
    me = await answer.json()
    permitted = {one["label"] for one in me["accounts"] if one["can_read"]}
    assert permitted == {_ACCOUNT}
    await opened.open("risk")
    await page.get_by_role("row").filter(has_text=_ACCOUNT).first.wait_for()
    assert await page.get_by_text("Binance hedge").count() == 0
    assert await page.locator("nav a[href*='/ui/admin/']").count() == 0


async def test_role_password_and_status_of_a_user_are_changed(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    opened, page = web_desk_of_demo, web_desk_of_demo.page
    created = await page.request.post(
        f"{opened.gateway.base_url}/admin/users-with-api-key",
        headers={"x-api-key": demo_gateway.api_key_of("admin")},
        data={"user_name": "hopper", "role": "trader", "password": "the first password"},
    )
    assert created.status == 200
    await opened.log_in_as("admin", demo_gateway.password_of("admin"))
    # The only administrator stays one: the gateway refuses, the page shows it.
    opened.expected_refusals |= {(403, "/admin/users/1"), (409, "/admin/users/1")}
    await _act(opened, "admin", "Change role")
    await page.get_by_role("combobox", name="Role").click()
    await page.get_by_role("option", name="Trader").click()
    await page.get_by_label("Comment").fill("leaves the administration")
    await page.get_by_role("button", name="Change role").click()
    await page.get_by_label("Password", exact=True).fill(demo_gateway.password_of("admin"))
    await page.get_by_role("button", name="Confirm").click()
    await page.get_by_role("alert").get_by_text("conflict", exact=False).first.wait_for()
    await page.get_by_role("button", name="Cancel").click()

    await _act(opened, "hopper", "Change role")
    await page.get_by_role("combobox", name="Role").click()
    await page.get_by_role("option", name="Risk").click()
    await page.get_by_label("Comment").fill("moves to risk control")
    await page.get_by_role("button", name="Change role").click()
    row = page.get_by_role("row").filter(has_text="hopper")
    await row.filter(has_text="Risk").wait_for()

    await _act(opened, "hopper", "Set password")
    await page.get_by_label("New password", exact=True).fill(_PASSWORD)
    await page.get_by_label("New password again").fill(_PASSWORD)
    await page.get_by_label("Comment").fill("forgot the old one")
    await page.get_by_role("button", name="Set password").click()
    await page.get_by_text("The password of hopper is changed.").wait_for()

    await _act(opened, "hopper", "Disable user")
    assert await opened.accessibility_findings() == []
    await page.get_by_label("Comment").fill("left the company")
    await page.get_by_role("button", name="Disable user").click()
    await row.filter(has_text="Disabled").wait_for()
    login = {"user_name": "hopper", "password": _PASSWORD}
    refused = await page.request.post(f"{opened.gateway.base_url}/auth/login-password", data=login)
    assert refused.status == 401


async def _act(opened: WebDesk, user_name: str, action: str) -> None:
    """Choose an action of a user from the list."""
    await opened.open("admin/users")
    row = opened.page.get_by_role("row").filter(has_text=user_name).first
    await row.get_by_role("button").click()
    await opened.page.get_by_role("menuitem", name=action).click()
