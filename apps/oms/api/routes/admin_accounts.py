"""Administration of accounts: what they trade on, how, and with which credentials."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.deps import account_id_of, admitted, doors, hand_of
from oms.api.errors import JsonResponse
from oms.domain.access import Permission
from oms.wire.admin_accounts import account_row, read_account, read_account_change
from oms.wire.bodies import load_body

router = APIRouter()


@router.get("/admin/accounts")
async def accounts(request: Request) -> Response:
    """All accounts."""
    await admitted(request, Permission.ADMIN)
    records = await doors(request).administer.account_desk.records()
    return JsonResponse({"items": [account_row(record) for record in records]})


@router.post("/admin/accounts")
async def new_account(request: Request) -> Response:
    """An account that no key may touch yet."""
    who = await admitted(request, Permission.ADMIN)
    account = read_account(load_body(await request.body()))
    account_id = await doors(request).administer.create_account(account, hand_of(request, who))
    return JsonResponse({"ok": True, "account_id": account_id})


@router.patch("/admin/accounts/{account_id}")
async def change_account(request: Request, account_id: str) -> Response:
    """Other settings, another status, other credentials."""
    who = await admitted(request, Permission.ADMIN)
    said = request.headers.get("x-comment")
    change, secrets, comment = read_account_change(load_body(await request.body()), said)
    number = account_id_of(account_id)
    hand = hand_of(request, who, comment)
    rows = await doors(request).administer.change_account(number, change, secrets, hand)
    return JsonResponse({"ok": True, "account_id": number, "rows": rows})
