"""Every route stands on the page about HTTP."""

import re
from pathlib import Path

from fastapi import APIRouter
from fastapi.routing import APIRoute

from oms.api.app import GROUPS

PAGE = Path(__file__).parent.parent.parent.parent / "docs" / "reference" / "http.md"


def test_every_route_is_written_down() -> None:
    page = re.sub(r"\{\w+\}", "{}", PAGE.read_text(encoding="utf-8"))
    routers: list[APIRouter] = [group.router for group in GROUPS]
    paths = {
        re.sub(r"\{\w+\}", "{}", route.path)
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
    }
    assert len(paths) > 15
    assert [path for path in sorted(paths) if path not in page] == []
