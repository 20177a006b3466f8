"""What everybody sees first: the page loads, obeys its policy, and keeps nothing."""

import pytest

from kit.browser.web_desk import WebDesk


async def test_browser_gets_from_the_root_to_the_page(desk: WebDesk) -> None:
    answer = await desk.page.goto(desk.gateway.base_url)
    assert answer is not None and answer.status == 200
    assert desk.page.url.startswith(f"{desk.gateway.base_url}/ui/")
    await desk.page.locator("#root > *").first.wait_for()


async def test_first_page_is_accessible_in_both_themes(desk: WebDesk) -> None:
    await desk.open()
    assert await desk.accessibility_findings() == []


async def test_assets_are_loaded_once(desk: WebDesk) -> None:
    await desk.open()
    loaded: list[tuple[str, bool]] = []
    desk.page.on("response", lambda one: loaded.append((one.url, one.from_service_worker)))
    await desk.page.goto("about:blank")
    await desk.open()
    timings = await desk.page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => one.name.includes('/assets/'))"
        ".map((one) => one.transferSize)"
    )
    assert timings and set(timings) == {0}


async def test_violation_error_and_secret_are_found(desk: WebDesk) -> None:
    """The checks that every test ends with can fail."""
    await desk.open()
    await desk.page.evaluate("document.body.setAttribute('style', 'color: red')")
    await desk.page.wait_for_function("true")
    assert [one.split(" ")[0] for one in desk.violations] == ["style-src-attr"]
    desk.violations.clear()
    desk.errors.clear()

    await desk.page.evaluate("fetch('/none')")
    await desk.page.evaluate("console.error('an error of the page')")
    assert len(desk.errors) == 2
    desk.errors.clear()

    await desk.page.evaluate("localStorage.setItem('key', 'oms_0123456789')")
    with pytest.raises(AssertionError, match="oms_0123456789"):
        await desk.check()
    await desk.page.evaluate("localStorage.clear()")
