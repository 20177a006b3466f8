"""A trader at the web desk, who uses it as a person does: by roles and names that are shown."""

from typing import TYPE_CHECKING

from kit.browser.web_desk import WebDesk

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

SYMBOL = "BTC/USDT:USDT"


class Trader:
    """Steps of a trader; each waits until the page shows its effect."""

    def __init__(self, web_desk: WebDesk) -> None:
        self.web_desk = web_desk
        self.page: Page = web_desk.page
        self.ticket = self.page.get_by_role("form", name="Order ticket")
        self.preview = self.page.get_by_role("region", name="Preview")

    async def log_in(self, name: str, password: str) -> None:
        """Log in by password; the form is shown already."""
        await self.submit_password(name, password)
        await self.page.get_by_role("navigation", name="Pages").wait_for()

    async def submit_password(self, name: str, password: str) -> None:
        """Fill in the form and send it."""
        await self.page.get_by_role("textbox", name="User name").fill(name)
        await self.page.get_by_role("textbox", name="Password").fill(password)
        await self.page.get_by_role("button", name="Log in").click()

    async def go_to(self, name: str) -> None:
        """Choose a page of the navigation."""
        await (
            self.page.get_by_role("navigation", name="Pages")
            .get_by_role("link", name=name, exact=True)
            .click()
        )
        await self.page.get_by_role("heading", name=name, exact=True, level=1).wait_for()

    async def show_only(self, account: str) -> None:
        """Choose the one account in view."""
        picker = self.page.get_by_role("button", name="Accounts in view")
        await picker.click()
        await self.page.get_by_role("menuitem", name=account).click()
        await self.page.keyboard.press("Escape")
        await picker.get_by_text(account).wait_for()

    async def fill_ticket(
        self, qty: str, *, side: str = "Buy", limit_price: str | None = None
    ) -> None:
        """Fill in an order; does not send it."""
        await self.ticket.get_by_role("button", name=side, exact=True).first.click()
        symbol = self.ticket.get_by_role("combobox", name="Symbol")
        if await symbol.input_value() != SYMBOL:
            await symbol.fill(SYMBOL)
            await self.page.get_by_role("option", name=SYMBOL, exact=True).click()
        kind = "Market" if limit_price is None else "Limit"
        await self.ticket.get_by_role("combobox", name="Type").click()
        await self.page.get_by_role("option", name=kind, exact=True).click()
        if limit_price is not None:
            await self.ticket.get_by_role("textbox", name="Limit price").fill(limit_price)
        await self.ticket.get_by_role("textbox", name="Quantity").fill(qty)

    async def send_ticket(self, side: str = "Buy") -> None:
        """Send the order once the gateway's preview has passed."""
        await self.preview.get_by_text("Limits passed").wait_for()
        await self.ticket.get_by_role("button", name=side).last.click()
        await self.confirm("Send the order", "Send")

    async def confirm(self, title: str, action: str, *, comment: str | None = None) -> None:
        """Confirm what the open dialog asks; it closes once the gateway has accepted."""
        dialog = self.dialog(title)
        if comment is not None:
            await dialog.get_by_label("Comment").fill(comment)
        await dialog.get_by_role("button", name=action, exact=True).click()
        await dialog.wait_for(state="detached")

    def dialog(self, title: str) -> "Locator":
        """The open dialog whose title begins so."""
        return self.page.get_by_role("alertdialog", name=title)

    async def choose_action(self, row: "Locator", action: str) -> None:
        """Choose an action of the menu of a row."""
        await row.get_by_role("button", name="Actions of").click()
        await self.page.get_by_role("menuitem", name=action, exact=True).click()

    async def show_rows(self, tab: str) -> None:
        """Show the positions, orders or activity of the dock."""
        await self.page.get_by_role("tab", name=tab).click()

    async def log_out(self) -> None:
        """Log out, and wait for the login form."""
        await self.page.get_by_role("button", name="User menu").click()
        await self.page.get_by_role("menuitem", name="Log out").click()
        await self.page.get_by_role("textbox", name="Password").wait_for()

    def row(self, table: str, qty: str) -> "Locator":
        """The row of the symbol with this quantity."""
        rows = self.page.get_by_role("table", name=table).get_by_role("row")
        cell = self.page.get_by_role("cell", name=qty, exact=True)
        return rows.filter(has_text=SYMBOL).filter(has=cell)
