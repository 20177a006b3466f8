"""The web desk in a browser: opens pages, and collects what must not happen on any of them."""

import asyncio
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kit.gateway.processes import Gateway
from kit.run_size import IS_FULL_SIZE

if TYPE_CHECKING:  # Only the fixture that starts the browser needs the package.
    from playwright.async_api import BrowserContext, ConsoleMessage, Page

ROOT = Path(__file__).resolve().parents[3]
AXE = ROOT / "apps" / "web" / "node_modules" / "axe-core" / "axe.min.js"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
#: The rules that depend on colours, and so on the theme.
COLOR_RULES = ["color-contrast", "link-in-text-block"]
#: Rows of a table that differ from the first dozen by nothing but their text.
LATER_ROWS = [f"{row}:nth-child(n + 13)" for row in (".grid-row", "tbody > tr")]
#: What a page evaluates has no limit of its own; a minute is enough on a busy machine.
AXE_SECONDS_MAX = 90.0
THEMES = ("dark", "light")
#: Keys, login tokens and sessions, as they would stand in a web storage.
SECRET = re.compile(r"(?:oms|tok|ses)_[A-Za-z0-9_-]{8,}")

_REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  window.reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
_READ_STORAGE = """async () => {
  const entries = (storage) => Array.from({length: storage.length}, (_, index) =>
    [storage.key(index), storage.getItem(storage.key(index))]);
  return JSON.stringify({
    local: entries(localStorage), session: entries(sessionStorage), cookie: document.cookie,
    databases: await indexedDB.databases(), caches: await caches.keys(), url: location.href,
  });
}"""
#: What fades has the contrast of no theme: it is waited for.
_RUN_AXE = """async ([rules, skipped]) => {
  const isFinite = (one) => Number.isFinite(one.effect.getComputedTiming().endTime);
  const faded = document.getAnimations().filter(isFinite).map((one) => one.finished);
  // A paused animation, or one of a page that is not drawn, never ends.
  await Promise.race([Promise.allSettled(faded), new Promise((end) => setTimeout(end, 5000))]);
  // Of what has no violation nothing is described: that takes as long as the rules.
  const context = {include: [document], exclude: skipped};
  const result = await axe.run(context, {runOnly: rules, resultTypes: ["violations"]});
  return result.violations.map((one) =>
    `${one.id}: ${one.nodes.map((node) => `${node.html} ${node.failureSummary}`).join("; ")}`);
}"""


@dataclass
class WebDesk:
    """One browser context with one page of a gateway.

    ``check`` fails for violations of the content security policy, errors on the console, and
    secrets in web storage. The fixture ``web_desk`` calls it after each test.
    """

    gateway: Gateway
    context: "BrowserContext"
    page: "Page"
    violations: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    #: ``(status, path)`` of refused requests that a test provokes; browsers log them as errors.
    expected_refusals: set[tuple[int, str]] = field(default_factory=set)
    #: Parts of errors on the console that a test provokes.
    expected_errors: set[str] = field(default_factory=set)

    async def start(self) -> None:
        """Begin to collect; before the first page is opened."""
        await self.context.expose_function("reportViolation", self._add_violation)
        await self.context.add_init_script(_REPORT_VIOLATIONS)
        self.page.on("console", self._add_message)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        # A page asks at its start whether there is a session.
        self.expected_refusals.add((401, "/auth/me"))

    async def open(self, view: str = "") -> None:
        """Open a view like ``positions``, and wait until it is drawn."""
        await self.page.goto(f"{self.gateway.base_url}/ui/{view}")
        await self.page.locator("#root > *").first.wait_for()

    async def log_in(self, key: str | None = None, view: str = "") -> None:
        """Log in with an API key, by default the trader's, and wait for the view."""
        await self.open(view)
        await self.page.get_by_role("tab", name="API key").click()
        panel = self.page.get_by_role("tabpanel", name="API key")
        field = panel.get_by_role("textbox", name="API key")
        await field.fill(key or self.gateway.api_key)
        # The other panel, with a button of that name, may still be there for a frame.
        await panel.get_by_role("button", name="Log in").click()
        await field.wait_for(state="detached")
        # By its element: a view that opens with a dialog hides it from other roles.
        await self.page.locator("main").wait_for()

    async def log_in_as(self, user_name: str, password: str) -> None:
        """Log in with a password, and wait for the first view."""
        await self.open()
        await self.page.get_by_role("textbox", name="User name").fill(user_name)
        field = self.page.locator("input[type=password]")
        await field.fill(password)
        await self.page.get_by_role("button", name="Log in").click()
        await field.wait_for(state="detached")
        await self.page.get_by_role("navigation").first.wait_for()

    async def accessibility_findings(self) -> list[str]:
        """Return what axe finds in both themes; the view stays in the last one.

        All rules in the first, those of colours in the second; of a table the first rows. With
        ``OMS_TEST_WHOLE=1`` all rules and rows in both.
        """
        async with asyncio.timeout(AXE_SECONDS_MAX):
            return await self._find_violations()

    async def _find_violations(self) -> list[str]:
        found = []
        skipped = [] if IS_FULL_SIZE else LATER_ROWS
        for theme in THEMES:
            rules = AXE_RULES if IS_FULL_SIZE or theme == THEMES[0] else COLOR_RULES
            await self.page.emulate_media(
                color_scheme=theme,  # type: ignore[arg-type]
                reduced_motion="reduce",
            )
            await self.page.locator(f"html[data-theme={theme}]").wait_for()
            if not await self.page.evaluate("'axe' in window"):
                await self.page.evaluate(AXE.read_text(encoding="utf-8"))
            violations = await self.page.evaluate(_RUN_AXE, [rules, skipped])
            found += [f"{theme}: {one}" for one in violations]
        return found

    async def stored_text(self) -> str:
        """Return everything that scripts can read of storage, cookies and address."""
        text: str = await self.page.evaluate(_READ_STORAGE)
        return text

    async def check(self) -> None:
        """Fail if something happened that must not happen on any page."""
        assert self.violations == [], self.violations
        assert self.errors == [], self.errors
        if self.page.url.startswith(self.gateway.base_url):
            stored = await self.stored_text()
            assert SECRET.findall(stored) == [], json.loads(stored)

    def _add_violation(self, text: str) -> None:
        self.violations.append(text)

    def _add_message(self, message: "ConsoleMessage") -> None:
        if message.type != "error":
            return
        refused = re.search(r"responded with a status of (\d{3})", message.text)
        location: Any = message.location
        path = urlsplit(location["url"]).path
        if any(part in message.text for part in self.expected_errors):
            return
        if refused is None or (int(refused[1]), path) not in self.expected_refusals:
            self.errors.append(f"{message.text} ({path})")
