"""The first page: it loads, obeys its policy, and keeps nothing."""

import pytest

from kit.browser.web_desk import WebDesk


async def test_browser_gets_from_the_root_to_the_page(web_desk: WebDesk) -> None:
    answer = await web_desk.page.goto(web_desk.gateway.base_url)
    assert answer is not None and answer.status == 200
    assert web_desk.page.url.startswith(f"{web_desk.gateway.base_url}/ui/")
    await web_desk.page.locator("#root > *").first.wait_for()


async def test_first_page_is_accessible_in_both_themes(web_desk: WebDesk) -> None:
    await web_desk.open()
    assert await web_desk.accessibility_findings() == []


async def test_assets_are_loaded_once(web_desk: WebDesk) -> None:
    """The second visit begins once nothing of the first is on its way any more."""
    for _ in range(2):
        await web_desk.page.goto("about:blank")
        await web_desk.open()
        await web_desk.page.wait_for_load_state("networkidle")
    timings = await web_desk.page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => one.name.includes('/assets/'))"
        ".map((one) => one.transferSize)"
    )
    assert timings and set(timings) == {0}


async def test_violation_error_and_secret_are_found(web_desk: WebDesk) -> None:
    """The checks that every test ends with can fail."""
    await web_desk.open()
    await web_desk.page.evaluate("document.body.setAttribute('style', 'color: red')")
    await web_desk.page.wait_for_function("true")
    assert [one.split(" ")[0] for one in web_desk.violations] == ["style-src-attr"]
    web_desk.violations.clear()
    web_desk.errors.clear()

    await web_desk.page.evaluate("fetch('/none')")
    await web_desk.page.evaluate("console.error('an error of the page')")
    assert len(web_desk.errors) == 2
    web_desk.errors.clear()

    await web_desk.page.evaluate("localStorage.setItem('key', 'oms_0123456789')")
    with pytest.raises(AssertionError, match="oms_0123456789"):
        await web_desk.check()
    await web_desk.page.evaluate("localStorage.clear()")
