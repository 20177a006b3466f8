"""What each role is offered in a browser, and what others see of the pages of administrators."""

from kit.browser.web_desk import ROOT, WebDesk
from kit.gateway.demo import DemoGateway
from oms.domain.access import MATRIX, Permission, Role, RoleAccess

_USERS = {
    "admin": Role.ADMIN,
    "trader": Role.TRADER,
    "manager": Role.PORTFOLIO_MANAGER,
    "robot": Role.ROBOT,
    "risk": Role.RISK,
    "viewer": Role.READONLY,
}
#: Reached from the menu of the user.
_NOT_IN_NAVIGATION = {"My account"}
_LINKS = "() => [...document.querySelectorAll('nav a')].map((link) => link.textContent.trim())"
_ADMIN_PAGES = {
    "admin/accounts": "/admin/accounts",
    "admin/users": "/admin/users",
    "admin/keys": "/admin/users-api-keys",
    "admin/permissions": "/admin/users-api-keys",
    "admin/sessions": "/admin/sessions",
    "audit": "/admin/audit",
    "notifications": "/notifications/sinks",
    "signals/sources": "/signals/sources",
}
"""Pages, and a route that each of them reads."""


async def test_each_role_is_offered_the_pages_of_the_table(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    opened, page = web_desk_of_demo, web_desk_of_demo.page
    offered, allowed = {}, {}
    for user_name in _USERS:
        # A page that is left asks nothing more in the name of the last user.
        await page.goto("about:blank")
        await opened.context.clear_cookies()
        await opened.log_in(demo_gateway.api_key_of(user_name))
        await page.get_by_role("navigation").first.wait_for()
        offered[user_name] = set(await page.evaluate(_LINKS)) | _NOT_IN_NAVIGATION
        answer = await page.request.get(f"{opened.gateway.base_url}/auth/me")
        allowed[user_name] = set((await answer.json())["actions"])
    assert offered == {user_name: _offered_pages(role) for user_name, role in _USERS.items()}
    assert allowed == {
        user_name: {one.value for one in Permission if MATRIX[one, role] is not RoleAccess.NO}
        for user_name, role in _USERS.items()
    }


async def test_pages_of_administrators_show_the_refusal_to_others(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    opened, page = web_desk_of_demo, web_desk_of_demo.page
    opened.expected_refusals |= {(403, path) for path in _ADMIN_PAGES.values()}
    await opened.log_in(demo_gateway.api_key_of("viewer"))
    for path in _ADMIN_PAGES:
        await opened.open(path)
        await page.get_by_role("alert").get_by_text("admin_required").first.wait_for()
        assert await page.get_by_role("row").count() == 0, path


def _offered_pages(role: Role) -> set[str]:
    """Return the titles of the pages that the table of the documentation gives a role."""
    text = (ROOT / "docs" / "web-desk.md").read_text(encoding="utf-8")
    column = list(Role).index(role)
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if "| is offered |" in line]
    return {title for title, _, *signs in rows if signs[column] == "✓"}
