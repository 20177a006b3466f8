"""The speed of the web desk in Chromium: live rows, changes of page, and what a visit loads.

    .venv/bin/python test/bench/run.py web_desk [--quick] [--rows 2000] [--rate 20]
        [--only rows|chart|pages]

Live rows: the built page shows `--rows` open positions, and each of them is marked `--rate` times a
second over a real WebSocket (`page_server`); frames are counted by requestAnimationFrame. The
gateway itself marks a position at most once a second.
Chart: 5,000 candles with three indicators and 50 markers, moved by the wheel all the time, and
played back at 20 candles a second.
Pages: every page of an administrator and of a trader of `oms demo` is opened by its link, its rows
are read before; from the click to the frame that shows it. Exit status 1: a goal was missed.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.chart_frames import ChartFigures, chart_table, count_frames, measure_chart
from bench.latency import percentile
from bench.page_server import LAST_PRICE, PageServer, serve_page
from bench.processes import BenchError
from kit.browser.web_desk import ROOT
from kit.gateway.demo import DemoGateway
from kit.http.client import call

sys.path.insert(0, str(ROOT / "tools"))

import page_sizes
import web_page

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

CHROMIUM = os.environ.get("CHROMIUM_PATH", "/usr/bin/chromium")
VIEWPORT: Any = {"width": 1600, "height": 950}
FPS_MIN = 30.0
CHART_FPS_MIN = 50.0
NAVIGATION_MS_MAX = 100.0
USERS = ("admin", "trader")

#: From the click to the end of the first frame in which nothing of the page before is left.
_NAVIGATE = """(path) => new Promise((done, fail) => {
  const main = document.querySelector("main");
  const before = [...main.children];
  const link = document.querySelector(`nav a[href^="${path}"]`);
  const start = performance.now();
  const isDrawn = () => location.pathname === path && main.children.length > 0
    && !before.some((one) => one.isConnected)
    && !main.querySelector(".animate-spin, .animate-pulse");
  const look = () => {
    const drawn = isDrawn();
    const { port1, port2 } = new MessageChannel();
    port2.onmessage = () => {
      if (drawn) done(performance.now() - start);
      else if (performance.now() - start > 20_000) fail(new Error(`${path} is not drawn`));
      else requestAnimationFrame(look);
    };
    port1.postMessage(0);
  };
  link.click();
  requestAnimationFrame(look);
})"""
_PATHS = """() => [...document.querySelectorAll("nav[aria-label] a[href^='/ui/']")]
  .map((link) => new URL(link.href).pathname)"""
_FIRST_LOAD = """() => ({
  painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
  bytes: performance.getEntriesByType("resource").filter((one) => one.name.includes("/assets/"))
    .reduce((sum, one) => sum + one.encodedBodySize, 0),
})"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFigures:
    """One measurement of live rows."""

    variant: str
    frames_per_second: float
    frame_p95_ms: float
    frame_max_ms: float
    #: Marks of each row that were sent a second; less than asked for if the page did not keep up.
    rate: float
    #: CPU of the page's main thread, of a core.
    busy: float
    #: From the last mark to the frame that shows it.
    behind_ms: float


def main(arguments: Sequence[str]) -> int:
    """Run the bench; return the exit status."""
    options = _options(arguments)
    print(f"load before: {_load()}", flush=True)
    try:
        live, chart, visits = asyncio.run(_measure(options))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    slowest = min((one.frames_per_second for one in live), default=FPS_MIN)
    slowest_chart = min((one.frames_per_second for one in chart), default=CHART_FPS_MIN)
    times = [each for rounds in visits.values() for each in rounds]
    if visits:
        print(_visit_table(visits))
    print(_size_table(web_page.read_record()["gzip_bytes"]))
    print(f"\nload after: {_load()}")
    is_fast = slowest >= FPS_MIN and slowest_chart >= CHART_FPS_MIN
    return 0 if is_fast and (not times or percentile(times, 0.95) < NAVIGATION_MS_MAX) else 1


async def _measure(
    options: argparse.Namespace,
) -> tuple[Sequence[LiveFigures], Sequence[ChartFigures], Mapping[str, list[float]]]:
    from playwright.async_api import async_playwright

    _build_page()
    live: Sequence[LiveFigures] = ()
    chart: Sequence[ChartFigures] = ()
    visits: Mapping[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="omspage") as name:
        demo = DemoGateway(Path(name))
        try:
            await asyncio.to_thread(demo.start)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=CHROMIUM)
                if options.only in (None, "rows"):
                    live = await _measure_live(browser, demo, options)
                    print(_live_table(live, options), flush=True)
                if options.only in (None, "chart"):
                    chart = await measure_chart(browser, demo, _log_in, options.seconds)
                    print(chart_table(chart), flush=True)
                if options.only in (None, "pages"):
                    visits = await _measure_visits(browser, demo, options.rounds)
                await browser.close()
        finally:
            await asyncio.to_thread(demo.stop)
    return live, chart, visits


def _build_page() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "web_page.py", "build"], check=False)
    if done.returncode != 0:
        raise BenchError("the page could not be built")


async def _measure_live(
    browser: "Browser", demo: DemoGateway, options: argparse.Namespace
) -> list[LiveFigures]:
    example = _example(demo)
    server = PageServer(gateway_port=demo.port, example=example, positions=options.rows)
    async with serve_page(server):
        context = await browser.new_context(viewport=VIEWPORT)
        page = await _log_in(context, server.base_url, "trader", demo)
        await page.goto(f"{server.base_url}/ui/positions")
        await page.get_by_role("table").get_by_role("row").nth(10).wait_for()
        found = [await _run(server, page, "sorted by symbol", options)]
        await page.get_by_role("columnheader").filter(has_text="Profit").first.click()
        await page.mouse.move(5, 5)
        found.append(await _run(server, page, "sorted by profit", options))
        found.append(await _run(server, page, "scrolled all the time", options, scrolls=True))
        await context.close()
    return found


def _example(demo: DemoGateway) -> Mapping[str, Any]:
    """Return an open position of the demo."""
    key = demo.api_key_of("trader")
    _, accounts, _ = call(demo, "GET", "/oms/accounts", key=key)
    ids = ",".join(str(one["account_id"]) for one in accounts["items"])
    _, answer, _ = call(demo, "GET", f"/oms/positions/open?account_ids={ids}", key=key)
    row: Mapping[str, Any] = answer["items"][0]
    return row


async def _run(
    server: PageServer,
    page: "Page",
    variant: str,
    options: argparse.Namespace,
    *,
    scrolls: bool = False,
) -> LiveFigures:
    metrics = await page.context.new_cdp_session(page)
    await metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
    sending = asyncio.create_task(server.send_marks(options.rate, options.seconds + 2))
    await asyncio.sleep(1)  # the first seconds compile the page's code
    scrolling = asyncio.create_task(_scroll(page)) if scrolls else None
    busy, started = await _busy_seconds(metrics), time.monotonic()
    gaps = await count_frames(page, options.seconds)
    busy = (await _busy_seconds(metrics) - busy) / (time.monotonic() - started)
    if scrolling is not None:
        scrolling.cancel()
        await asyncio.gather(scrolling, return_exceptions=True)
        await page.mouse.move(5, 5)
    rate = await sending
    sent = time.monotonic()
    await server.send_last()
    price = f"{LAST_PRICE[:3]},{LAST_PRICE[3:]}"
    await page.get_by_role("cell", name=price).first.wait_for()
    return LiveFigures(
        variant=variant,
        frames_per_second=1000 / statistics.fmean(gaps),
        frame_p95_ms=percentile(gaps, 0.95),
        frame_max_ms=max(gaps),
        rate=rate,
        busy=busy,
        behind_ms=(time.monotonic() - sent) * 1000,
    )


async def _scroll(page: "Page") -> None:
    await page.mouse.move(800, 500)
    for turn in itertools.count():
        await page.mouse.wheel(0, 300 if turn // 40 % 2 == 0 else -300)
        await asyncio.sleep(0.03)


async def _busy_seconds(metrics: Any) -> float:
    found = await metrics.send("Performance.getMetrics")
    return next(float(one["value"]) for one in found["metrics"] if one["name"] == "TaskDuration")


async def _measure_visits(
    browser: "Browser", demo: DemoGateway, rounds: int
) -> Mapping[str, list[float]]:
    """Return the milliseconds of each visit by path; the first of each page is not counted."""
    visits: dict[str, list[float]] = {}
    for user_name in USERS:
        context = await browser.new_context(viewport=VIEWPORT)
        page = await _log_in(context, demo.base_url, user_name, demo)
        await _print_first_load(page, user_name)
        paths = await page.evaluate(_PATHS)
        for number in range(rounds + 1):
            for path in paths:
                if page.url.endswith(path):
                    continue  # the page that is shown
                taken = await page.evaluate(_NAVIGATE, path)
                if number > 0:
                    visits.setdefault(path, []).append(taken)
        await context.close()
    return visits


async def _print_first_load(page: "Page", user_name: str) -> None:
    await page.reload()
    await page.get_by_role("navigation").first.wait_for()
    loaded = await page.evaluate(_FIRST_LOAD)
    print(f"{user_name}: first contentful paint after {loaded['painted']:.0f} ms", flush=True)


async def _log_in(
    context: "BrowserContext", base_url: str, user_name: str, demo: DemoGateway
) -> "Page":
    page = await context.new_page()
    await page.goto(f"{base_url}/ui/")
    await page.get_by_role("textbox", name="User name").fill(user_name)
    await page.locator("input[type=password]").fill(demo.password_of(user_name))
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("navigation").first.wait_for()
    return page


def _live_table(live: Sequence[LiveFigures], options: argparse.Namespace) -> str:
    lines = [
        f"\n## {options.rows} live rows, {options.rate} marks a second each\n",
        "| rows | frames/s | frame p95, max | marks a row and second | main thread | behind |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.variant} | {one.frames_per_second:.0f} | {one.frame_p95_ms:.0f}, "
        f"{one.frame_max_ms:.0f} ms | {one.rate:.1f} | {one.busy:.0%} | {one.behind_ms:.0f} ms |"
        for one in live
    ]
    return "\n".join(lines)


def _visit_table(visits: Mapping[str, list[float]]) -> str:
    times = [each for rounds in visits.values() for each in rounds]
    worst = max(visits, key=lambda path: statistics.median(visits[path]))
    rows = {
        "pages, visits": f"{len(visits)}, {len(times)}",
        "p50": f"{percentile(times, 0.5):.0f} ms",
        "p95": f"{percentile(times, 0.95):.0f} ms",
        "slowest page by its median": f"{worst}: {statistics.median(visits[worst]):.0f} ms",
    }
    return _table("Changes of page, rows read before", rows)


def _size_table(sizes: Mapping[str, int]) -> str:
    kb = page_sizes.KB
    routes = {name: size for name, size in sizes.items() if name.startswith("route ")}
    largest = max(routes, key=lambda name: routes[name])
    rows = {
        "first load": f"{sizes['first load'] / kb:.1f} kB gz",
        f"largest route ({largest.rsplit('/', 1)[-1]})": f"{routes[largest] / kb:.1f} kB gz",
        "styles": f"{sizes['styles'] / kb:.1f} kB gz",
    }
    return _table("Sizes", rows)


def _table(title: str, rows: Mapping[str, str]) -> str:
    lines = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join([f"\n## {title}\n", "| figure | measured |", "|---|---|", *lines])


def _load() -> str:
    return ", ".join(f"{one:.1f}" for one in os.getloadavg())


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench web_desk", description="Measures the web desk in Chromium."
    )
    parser.add_argument("--quick", action="store_true", help="3 s, 1 round")
    parser.add_argument("--rows", type=int, default=2000, help="open positions (2000)")
    parser.add_argument("--rate", type=int, default=20, help="marks of a row a second (20)")
    parser.add_argument("--seconds", type=float, help="of each measurement; 10; quick: 3")
    parser.add_argument("--rounds", type=int, help="visits of each page; 5; quick: 1")
    parser.add_argument("--only", choices=("rows", "chart", "pages"), help="one measurement")
    options = parser.parse_args(arguments)
    options.seconds = options.seconds or (3.0 if options.quick else 10.0)
    options.rounds = options.rounds or (1 if options.quick else 5)
    return options
