"""One Chromium and one gateway of each kind for the tests of the web desk in a process.

A test takes ``web_desk``: a page in a browser context of its own, checked after the test.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from kit.browser.web_desk import ROOT, WebDesk
from kit.databases.mariadb import PrivateMariaDB
from kit.gateway.demo import DemoGateway
from kit.gateway.processes import Gateway, Running, run_gateway

if TYPE_CHECKING:
    from playwright.async_api import Browser

CHROMIUM = os.environ.get("CHROMIUM_PATH", "/usr/bin/chromium")
TEXT_CHARACTERS_MAX = 4_000
VIEWPORT = {"width": 1440, "height": 900}
_started: list[Gateway] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder in the event loop of the browser."""
    for item in items:
        is_here = item.path.is_relative_to(ROOT / "test" / "e2e" / "web")
        if is_here and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, None, None]:
    """Stop the gateways after the last file: idle, they would take processor time from the others.

    A worker of pytest-xdist gets all files of this folder together, one process may not.
    """
    yield
    is_last = nextitem is None or not nextitem.path.is_relative_to(item.path.parent)
    if is_last and hasattr(item.config, "workerinput"):
        for gateway in _started:
            gateway.stop()


@pytest.fixture(scope="session")
def built_page() -> None:
    """The page is built from the sources of this checkout."""
    run_program("build")


def run_program(command: str) -> None:
    """Run a command of the program that builds the page; its output is the failure."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "web_page.py", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="session")
def web_gateway(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """API and worker on SQLite, shared by the tests."""
    yield from _run(Gateway(tmp_path_factory.mktemp("web-gateway"), workers=1))


@pytest.fixture(scope="session")
def web_gateway_on_mariadb(
    built_page: None, mariadb: PrivateMariaDB, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """The same on MariaDB."""
    name = f"oms_{secrets.token_hex(4)}"
    mariadb.create_database(name)
    dsn = mariadb.dsn(name, driver="asyncmy")
    folder = tmp_path_factory.mktemp("web-gateway-mariadb")
    yield from _run(Gateway(folder, workers=1, mariadb=mariadb, dsn=dsn))


@pytest.fixture(scope="session")
def demo_gateway(
    built_page: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoGateway]:
    """``oms demo``."""
    yield from _run(DemoGateway(tmp_path_factory.mktemp("web-demo")))


def _run(gateway: Running) -> Iterator[Running]:
    with run_gateway(gateway) as running:
        _started.append(running)
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> "AsyncIterator[Browser]":
    """Debian's Chromium without a window."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def web_desk(browser: "Browser", web_gateway: Gateway) -> AsyncIterator[WebDesk]:
    """The web desk of the shared gateway; nothing is opened yet."""
    async for opened in open_web_desk(browser, web_gateway):
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def web_desk_on_mariadb(
    browser: "Browser", web_gateway_on_mariadb: Gateway
) -> AsyncIterator[WebDesk]:
    """The same on MariaDB."""
    async for opened in open_web_desk(browser, web_gateway_on_mariadb):
        yield opened


@pytest.fixture(params=["web_gateway", "web_gateway_on_mariadb"], ids=["sqlite", "mariadb"])
def each_gateway(request: pytest.FixtureRequest) -> Gateway:
    """The shared gateway on SQLite, then that on MariaDB."""
    gateway: Gateway = request.getfixturevalue(request.param)
    return gateway


@pytest_asyncio.fixture(loop_scope="session")
async def web_desk_on_each(browser: "Browser", each_gateway: Gateway) -> AsyncIterator[WebDesk]:
    """The web desk of each shared gateway: the test runs on SQLite and on MariaDB."""
    async for opened in open_web_desk(browser, each_gateway):
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def web_desk_of_demo(browser: "Browser", demo_gateway: DemoGateway) -> AsyncIterator[WebDesk]:
    """The web desk of the demo."""
    async for opened in open_web_desk(browser, demo_gateway):
        yield opened


async def open_web_desk(browser: "Browser", gateway: Gateway) -> AsyncIterator[WebDesk]:
    """Yield the page in a new browser context; check it at the end."""
    context = await browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    opened = WebDesk(gateway=gateway, context=context, page=await context.new_page())
    try:
        await opened.start()
        yield opened
        await opened.check()
    finally:
        await _print_page(opened)
        await context.close()


async def _print_page(opened: WebDesk) -> None:
    """Print what the page shows at the end; pytest shows it if the test has failed."""
    from playwright.async_api import Error

    try:
        text = await opened.page.inner_text("body", timeout=2_000)
    except Error as error:
        text = f"not readable: {error}"
    print(f"{opened.page.url}\n{text[:TEXT_CHARACTERS_MAX]}")
