"""``/ui/``: files of the built page, their headers, and what is refused; ``POST /csp-report``."""

import gzip
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kit.gateway.in_process import InProcessGateway, open_gateway
from kit.http.asgi_client import AsgiClient
from oms.api.app import create_app
from oms.api.middleware.security_headers import SECURITY_HEADERS
from oms.api.web_page.csp_reports import LOGGED_PER_MINUTE, CspReportLog, read_report
from oms.api.web_page.page_files import PageFolder
from oms.config import Settings

INDEX = "<!doctype html><title>the page</title>" + " " * 600
SCRIPT = "const page = 1;\n" * 100
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self' ws://gateway.example:8000; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'; report-uri /csp-report"
)
HOST = {"Host": "gateway.example:8000"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
REPORT = {
    "csp-report": {
        "document-uri": "https://gateway.example/ui/orders?acc=1#secret",
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://evil.example/a?key=oms_secret",
        "source-file": "https://gateway.example/ui/assets/index.js?oms_secret",
    }
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built page."""
    folder = tmp_path / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-a1b2.js").write_text(SCRIPT)
    (folder / "assets" / "index-a1b2.css").write_text("a{}")
    (folder / "build.json").write_text("{}")
    (tmp_path / "outside.txt").write_text("outside")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    return folder


@pytest.fixture
def page(gateway: InProcessGateway, folder: Path) -> Iterator[AsgiClient]:
    """A client without a key of a gateway that serves the page."""
    context = replace(
        gateway.api_context, page=PageFolder(folder), csp_reports=CspReportLog(lambda: 0.0)
    )
    gateway.api_context.request_metrics.csp_reports.clear()
    yield AsgiClient(create_app(context))


async def test_index_has_the_policy_and_is_revalidated(page: AsgiClient) -> None:
    answer = await page("GET", "/ui/", headers=HOST)
    headers = answer.headers
    assert (answer.status, answer.body.decode()) == (200, INDEX)
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"] == POLICY
    assert headers["cache-control"] == "no-cache"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["permissions-policy"] == "camera=(), microphone=(), geolocation=(), payment=()"
    assert "strict-transport-security" not in headers

    again = await page("GET", "/ui/", headers={"If-None-Match": f'"other", {headers["etag"]}'})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", headers["etag"])
    assert again.headers["cache-control"] == "no-cache"
    assert (await page("GET", "/ui/", headers={"If-None-Match": '"other"'})).status == 200


async def test_no_header_is_sent_twice(gateway: InProcessGateway, page: AsgiClient) -> None:
    sent: list[tuple[bytes, bytes]] = []

    async def app(scope: object, receive: object, send: object) -> None:
        async def keep(message: dict[str, object]) -> None:
            sent.extend(message.get("headers", ()))  # type: ignore[arg-type]
            await send(message)  # type: ignore[operator]

        await page.app(scope, receive, keep)  # type: ignore[arg-type]

    for path in ("/ui", "/ui/assets/index-a1b2.js", "/ui/none.js", "/"):
        sent.clear()
        await AsgiClient(app)("GET", path, headers=BROWSER)  # type: ignore[arg-type]
        names = [name.lower() for name, _ in sent]
        assert len(names) > 6
        assert len(names) == len(set(names)), path


@pytest.mark.parametrize("path", ["/ui", "/ui/", "/ui/positions", "/ui/orders/12/", "/ui//etc"])
async def test_views_are_the_page_itself(page: AsgiClient, path: str) -> None:
    answer = await page("GET", path)
    assert (answer.status, answer.body.decode()) == (200, INDEX)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("index-a1b2.js", "text/javascript"), ("index-a1b2.css", "text/css")],
)
async def test_assets_may_be_kept_for_ever(page: AsgiClient, name: str, media_type: str) -> None:
    answer = await page("GET", f"/ui/assets/{name}")
    assert answer.status == 200
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    icon = await page("GET", "/ui/favicon.svg")
    assert icon.headers["content-type"] == "image/svg+xml"
    assert icon.headers["cache-control"] == "no-cache"


async def test_text_is_compressed_for_who_takes_it(page: AsgiClient) -> None:
    path = "/ui/assets/index-a1b2.js"
    plain = await page("GET", path)
    small = await page("GET", path, headers={"Accept-Encoding": "br, gzip;q=0.8"})
    refused = await page("GET", path, headers={"Accept-Encoding": "gzip; q=0"})
    assert plain.body == refused.body == gzip.decompress(small.body) == SCRIPT.encode()
    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(small.headers["content-length"]) == len(small.body) < len(plain.body)
    assert {one.headers["vary"] for one in (plain, small)} == {"Accept-Encoding"}
    assert small.headers["etag"] == plain.headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        "/ui/assets/none.js",
        "/ui/assets/none",
        "/ui/none.html",
        "/ui/link.txt",
        "/ui/../outside.txt",
        "/ui/assets/../../outside.txt",
        "/ui/..",
        "/ui//etc/passwd.txt",
        "/uix",
        "/none",
    ],
)
async def test_other_files_are_not_served(page: AsgiClient, path: str) -> None:
    answer = await page("GET", path, headers=BROWSER)
    assert (answer.status, answer.detail["code"]) == (404, "not_found")
    assert dict(SECURITY_HEADERS).items() <= {
        (name.encode(), text.encode()) for name, text in answer.headers.items()
    }


async def test_other_methods_are_refused(page: AsgiClient) -> None:
    for path in ("/ui", "/ui/index.html"):
        answer = await page("POST", path, {})
        assert (answer.status, answer.detail["code"]) == (405, "method_not_allowed")
        assert (await page("HEAD", path)).status == 200


async def test_root_sends_browsers_to_the_page(page: AsgiClient) -> None:
    answer = await page("GET", "/", headers=BROWSER)
    assert (answer.status, answer.headers["location"]) == (303, "/ui/")
    program = await page("GET", "/", headers={"Accept": "*/*"})
    assert (program.status, program.detail["code"]) == (404, "not_found")


async def test_policy_names_no_host_that_is_not_one(page: AsgiClient) -> None:
    for host in ("gateway.example; script-src *", "a b", "[::1]:8000", "oms_api:8000", ""):
        answer = await page("GET", "/ui", headers={"Host": host})
        assert "connect-src 'self'; manifest-src" in answer.headers["content-security-policy"]


async def test_policy_names_the_public_address(gateway: InProcessGateway, folder: Path) -> None:
    settings = Settings.model_validate({"public_url": "https://oms.example"})
    context = replace(gateway.api_context, page=PageFolder(folder), settings=settings)
    headers = (await AsgiClient(create_app(context))("GET", "/ui", headers=HOST)).headers
    assert "connect-src 'self' wss://oms.example;" in headers["content-security-policy"]


async def test_over_tls_the_browser_keeps_to_it(gateway: InProcessGateway, folder: Path) -> None:
    settings = Settings.model_validate({"trusted_proxies": ["127.0.0.1"]})
    context = replace(gateway.api_context, page=PageFolder(folder), settings=settings)
    proxied = AsgiClient(create_app(context))
    headers = (await proxied("GET", "/ui", headers=HOST | {"X-Forwarded-Proto": "https"})).headers
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert "'self' wss://gateway.example:8000;" in headers["content-security-policy"]
    direct = AsgiClient(create_app(replace(context, settings=Settings())))
    headers = (await direct("GET", "/ui", headers=HOST | {"X-Forwarded-Proto": "https"})).headers
    assert "strict-transport-security" not in headers


async def test_page_that_is_not_built_says_how(
    gateway: InProcessGateway, folder: Path, tmp_path: Path
) -> None:
    later = tmp_path / "later"
    parts = PageFolder(later)
    client = AsgiClient(create_app(replace(gateway.api_context, page=parts)))
    answer = await client("GET", "/ui/")
    assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
    assert "make ui" in answer.body.decode()
    assert (await client("GET", "/ui/assets/index-a1b2.js")).detail["code"] == "not_found"
    shutil.copytree(folder, later)
    assert (await client("GET", "/ui/")).body.decode() == INDEX


async def test_new_build_is_served_without_a_restart(page: AsgiClient, folder: Path) -> None:
    first = await page("GET", "/ui/")
    (folder / "index.html").write_text("new")
    assert (await page("GET", "/ui/")).body == first.body
    (folder / "build.json").write_text('{"sources": "new"}')
    assert (await page("GET", "/ui/")).body == b"new"


async def test_page_can_be_switched_off(tmp_path: Path) -> None:
    settings = Settings.model_validate({"ui": {"enabled": False}})
    async with open_gateway(f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3", settings) as gateway:
        for method, path in (("GET", "/"), ("GET", "/ui/"), ("POST", "/csp-report")):
            answer = await gateway.client(method, path, {}, headers=BROWSER)
            assert (answer.status, answer.detail["code"]) == (404, "not_found")


async def test_reports_are_logged_without_what_may_be_secret(
    gateway: InProcessGateway, page: AsgiClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await page(
        "POST", "/csp-report", REPORT, headers={"Content-Type": "application/csp-report"}
    )
    assert (answer.status, answer.body) == (204, b"")
    (record,) = [one for one in caplog.records if one.message == "csp_violation"]
    logged = vars(record)
    assert {key: logged[key] for key in ("directive", "blocked", "page", "source")} == {
        "directive": "script-src-elem",
        "blocked": "https://evil.example",
        "page": "/ui/orders",
        "source": "/ui/assets/index.js",
    }
    counts = gateway.api_context.request_metrics.csp_reports
    assert counts == {"logged": 1}
    for _ in range(LOGGED_PER_MINUTE):
        await page("POST", "/csp-report", REPORT)
    assert counts == {"logged": LOGGED_PER_MINUTE, "not_logged": 1}
    assert len([one for one in caplog.records if one.message == "csp_violation"]) == 10


def test_reports_cannot_steer_a_terminal_or_begin_a_line() -> None:
    sent = "https://a.example/\x1b[2J\x9b31m\u2028\x85\u202eb c"
    report = {"effective-directive": "img-src", "document-uri": sent, "source-file": sent}
    fields = read_report({"csp-report": report | {"blocked-uri": "https://\x1b[2J.example/"}})
    assert fields is not None
    assert {fields["page"], fields["source"]} == {"/?[2J?31m???b?c"}
    assert all(text.isascii() and text.isprintable() for text in fields.values())


@pytest.mark.parametrize(
    "body",
    [[], {}, {"csp-report": []}, {"csp-report": {"effective-directive": "Not\nOne"}}, "text", 1],
)
async def test_other_bodies_are_counted_only(
    gateway: InProcessGateway, page: AsgiClient, body: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await page("POST", "/csp-report", raw=json.dumps(body).encode())).status == 204
    assert gateway.api_context.request_metrics.csp_reports == {"invalid": 1}
    assert [one for one in caplog.records if one.message == "csp_violation"] == []


async def test_long_and_broken_reports_are_refused(page: AsgiClient) -> None:
    assert (await page("POST", "/csp-report", raw=b" " * 70_000)).status == 413
    assert (await page("POST", "/csp-report", raw=b"{")).status == 422
