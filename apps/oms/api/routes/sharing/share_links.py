"""Share links: create, list and revoke them, and read what one shows."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import api_context, audit_context_of, require_change, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_share_link_id
from oms.domain.access import Permission
from oms.domain.share_link import ShareView
from oms.wire import parameters as p
from oms.wire.request_body import load_body
from oms.wire.responses.value_types import Items
from oms.wire.sharing import share_links
from oms.wire.sharing.share_links import (
    ShareLinkCreated,
    ShareLinkRevoked,
    ShareLinkRow,
    read_share_link,
    share_link_row,
)
from oms.wire.sharing.shared_rows import (
    SharedBody,
    shared_body,
    shared_curve,
    shared_positions,
    shared_statistics,
)

router = APIRouter()

ShareToken = Annotated[str, Path(json_schema_extra={"pattern": "^[A-Za-z0-9_-]{43}$"})]

_LINK = validated(
    "ShareLinkRequest",
    share_links.SHARE_LINK,
    {"view": "stats", "account_ids": [1], "title": "Results of the year"},
)


@router.get("/user/share-links", openapi_extra=documented(Items[ShareLinkRow]))
async def list_share_links(request: Request) -> Response:
    """Return the links of the caller, of all users for an administrator, the newest first."""
    caller, context = await require_permission(request, Permission.SELF), api_context(request)
    links, now = await context.share_links.all(caller.principal), context.clock.now()
    return JsonResponse(Items(items=[share_link_row(link, now) for link in links]))


@router.post(
    "/user/share-links",
    openapi_extra=documented(ShareLinkCreated, query=(p.COMMENT,), body=_LINK, errors=UNKNOWN_ID),
)
async def create_share_link(request: Request) -> Response:
    """Create a link to figures for readers without an account; its token is shown only here."""
    caller = await require_permission(request, Permission.READ)
    new = read_share_link(load_body(await request.body()))
    audit_context = audit_context_of(request, caller, new.comment)
    made = await api_context(request).share_links.create(caller.principal, new, audit_context)
    body: ShareLinkCreated = {
        "ok": True,
        "share_link": share_link_row(made.link, audit_context.at),
        "token": made.token,
    }
    return JsonResponse(body)


@router.delete(
    "/user/share-links/{share_link_id}",
    openapi_extra=documented(ShareLinkRevoked, query=(p.COMMENT,), errors=UNKNOWN_ID),
)
async def revoke_share_link(request: Request, share_link_id: PathId) -> Response:
    """Revoke a link of the caller; an administrator revokes any."""
    caller = await require_change(request, Permission.SELF)
    number = parse_share_link_id(share_link_id)
    audit_context = audit_context_of(request, caller)
    await api_context(request).share_links.revoke(caller.principal, number, audit_context)
    return JsonResponse(ShareLinkRevoked(ok=True, share_link_id=number))


@router.get(
    "/share/{share_token}",
    openapi_extra=documented(SharedBody, errors=UNKNOWN_ID, is_public=True),
)
async def get_shared_figures(request: Request, share_token: ShareToken) -> Response:
    """Return the figures of a link: without ids and names, amounts only if it has them."""
    figures = await api_context(request).share_links.figures(share_token)
    link = figures.link
    body, has_amounts = shared_body(link, figures.as_of), link.has_amounts
    match link.view:
        case ShareView.STATS:
            assert figures.statistics is not None, "they are read for this view"
            body["stats"] = shared_statistics(figures.statistics, has_amounts=has_amounts)
        case ShareView.EQUITY:
            body["equity"] = [
                shared_curve(each.currency, each.points, has_amounts=has_amounts)
                for each in figures.curves
            ]
        case ShareView.POSITIONS:
            body["positions"] = shared_positions(
                figures.positions, figures.marks, has_amounts=has_amounts
            )
    return JsonResponse(body)
