"""Login by API key in a browser: the key is exchanged for a cookie that no script can read."""

from kit.browser.web_desk import WebDesk


async def test_key_is_exchanged_and_kept_nowhere(web_desk: WebDesk) -> None:
    await web_desk.log_in()
    cookies = await web_desk.context.cookies()
    (session,) = [one for one in cookies if one["name"].startswith("oms_sid_")]
    assert (session["httpOnly"], session["sameSite"]) == (True, "Strict")
    assert session["value"] not in await web_desk.stored_text()
    await web_desk.page.reload()
    await web_desk.page.get_by_role("navigation").first.wait_for()
    assert await web_desk.accessibility_findings() == []


async def test_wrong_key_is_refused(web_desk: WebDesk) -> None:
    web_desk.expected_refusals.add((401, "/auth/session"))
    await web_desk.open()
    await web_desk.page.get_by_role("tab", name="API key").click()
    await web_desk.page.get_by_role("textbox", name="API key").fill("oms_no-user-has-this-key")
    panel = web_desk.page.get_by_role("tabpanel", name="API key")
    await panel.get_by_role("button", name="Log in").click()
    await web_desk.page.get_by_role("alert").wait_for()
    assert await web_desk.accessibility_findings() == []


async def test_mariadb_serves_the_same(web_desk_on_mariadb: WebDesk) -> None:
    await web_desk_on_mariadb.log_in()
    await web_desk_on_mariadb.page.get_by_role("navigation").first.wait_for()


async def test_logout_ends_the_session(web_desk: WebDesk) -> None:
    await web_desk.log_in()
    await web_desk.page.get_by_role("button", name="User menu").click()
    await web_desk.page.get_by_role("menuitem", name="Log out").click()
    await web_desk.page.get_by_role("tab", name="API key").wait_for()
    assert await web_desk.context.cookies() == []
