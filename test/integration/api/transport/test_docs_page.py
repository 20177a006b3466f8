"""``GET /docs``: a page whose files come from the gateway, under its own policy."""

import re
from pathlib import Path

import pytest

from kit.gateway.in_process import ADMIN_KEY, InProcessGateway, open_gateway
from oms.api.middleware.security_headers import SECURITY_HEADERS
from oms.config import Settings

FILES = {
    "/docs/swagger-ui.css": "text/css; charset=utf-8",
    "/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/start.js": "text/javascript; charset=utf-8",
    "/docs/favicon-32x32.png": "image/png",
}


async def test_page_loads_files_of_the_gateway_only(gateway: InProcessGateway) -> None:
    page = await gateway.client("GET", "/docs", key="")
    text = page.body.decode()
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert set(re.findall(r'(?:src|href)="([^"]+)"', text)) == set(FILES)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\son\w+=|\bstyle=|javascript:|<style", text)
    assert "//" not in text


@pytest.mark.parametrize("path", sorted(FILES))
async def test_files_have_their_types(gateway: InProcessGateway, path: str) -> None:
    answer = await gateway.client("GET", path, key="")
    assert (answer.status, answer.headers["content-type"]) == (200, FILES[path])
    assert len(answer.body) > 100
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_policy_of_the_page_is_its_own(gateway: InProcessGateway) -> None:
    page = await gateway.client("GET", "/docs", key="")
    policy = page.headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    for name, value in SECURITY_HEADERS:
        if name != b"content-security-policy":
            assert page.headers[name.decode()] == value.decode()
    other = await gateway.client("GET", "/docs/start.js", key="")
    assert (
        other.headers["content-security-policy"]
        == dict(SECURITY_HEADERS)[b"content-security-policy"].decode()
    )


async def test_starting_script_reads_the_document(gateway: InProcessGateway) -> None:
    script = (await gateway.client("GET", "/docs/start.js", key="")).body.decode()
    (url,) = re.findall(r'url: "([^"]+)"', script)
    assert (await gateway.client("GET", url, key="")).json()["openapi"] == "3.1.0"
    assert "persistAuthorization: false" in script


@pytest.mark.parametrize("name", ["main.py", "../main.py", "..%2fmain.py", "resources"])
async def test_other_files_of_the_package_are_not_served(
    gateway: InProcessGateway, name: str
) -> None:
    answer = await gateway.client("GET", f"/docs/{name}", key="")
    assert (answer.status, answer.detail["code"]) == (404, "not_found")


async def test_without_public_docs_a_key_is_needed(tmp_path: Path) -> None:
    settings = Settings.model_validate({"public_docs": False})
    async with open_gateway(f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3", settings) as gateway:
        for path in ("/docs", *FILES):
            refused = await gateway.client("GET", path, key="")
            assert (refused.status, refused.detail["code"]) == (401, "missing_api_key")
            assert (await gateway.client("GET", path, key=ADMIN_KEY)).status == 200
