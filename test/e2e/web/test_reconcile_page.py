"""Reconciliation: how recent it is, a run with its result, and the differences to decide."""

from kit.browser.web_desk import WebDesk


async def test_run_shows_a_result_for_the_account(web_desk_on_each: WebDesk) -> None:
    web_desk = web_desk_on_each
    await web_desk.log_in(view="reconcile")
    page = web_desk.page
    await page.get_by_text("No open differences.").wait_for()
    assert await web_desk.accessibility_findings() == []

    await page.get_by_role("button", name="Run now").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Run now").click()
    results = dialog.get_by_role("list", name="Results")
    await results.get_by_text("Done").wait_for()
    assert await web_desk.accessibility_findings() == []
    await dialog.get_by_role("button", name="Close", exact=True).last.click()
    await page.get_by_text("Compared lately").first.wait_for()
