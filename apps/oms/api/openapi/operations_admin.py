"""Operations of users on themselves and of admins on users, accounts and rows."""

from oms.api.openapi import parameters as p
from oms.api.openapi.operation import Operation
from oms.api.openapi.parameters import Parameter
from oms.api.openapi.request_bodies import body
from oms.api.openapi.schema import (
    BOOLEAN,
    ID,
    TEXT,
    Schema,
    any_of,
    array_of,
    enum_of,
    items_of,
    object_of,
    ok_response,
    page_of,
    ref,
    row,
)

_UNKNOWN = frozenset({404})


def _read(
    path: str, name: str, summary: str, shape: Schema, query: tuple[Parameter, ...] = ()
) -> Operation:
    answers = {200: shape}
    return Operation(
        method="get", path=path, name=name, summary=summary, answers=answers, query=query
    )


def _change(
    method: str,
    path: str,
    name: str,
    summary: str,
    body_name: str | None,
    shape: Schema,
) -> Operation:
    return Operation(
        method=method,
        path=path,
        name=name,
        summary=summary,
        query=(p.COMMENT,),
        body=None if body_name is None else body(body_name),
        answers={200: shape},
        errors=_UNKNOWN,
    )


_SELF = (
    Operation(
        method="post",
        path="/auth/login-password",
        name="log_in",
        summary="A token for the name and the password of a user",
        body=body("Login"),
        answers={
            200: ok_response(
                "token:text? expires_at:time user_id:id role:text api_key_id:id",
                token_type=enum_of("bearer"),
            )
        },
        errors=frozenset({403, 429, 503}),
        is_public=True,
    ),
    Operation(
        method="post",
        path="/auth/logout",
        name="log_out",
        summary="End the token that is shown, or every token of the user",
        query=(p.query("all", BOOLEAN, "Every token of the user."),),
        answers={200: ok_response("revoked:count")},
    ),
    _read("/user/profile", "get_profile", "Who shows the key", ref("Profile")),
    _change("patch", "/user/profile", "change_profile", "Take another name",
            "ProfileChange", ok_response("user_id:id user_name:text")),
    _change("post", "/user/password", "change_password",
            "Take another password; the user's other tokens end",
            "PasswordChange", ok_response("user_id:id")),
    _read("/user/api-keys", "list_own_keys", "The user's keys", items_of(ref("ApiKey"))),
    _change("post", "/user/api-keys", "create_own_key", "A key of one's own without permissions",
            "KeyRequest", ref("NewKey")),
    _change("patch", "/user/api-keys/{api_key_id}", "change_own_key",
            "Turn a key of one's own on or off, name it, tighten it",
            "KeyChange", ok_response("api_key_id:id rows:count")),
    _read("/user/api-keys/permissions", "list_own_permissions", "What the user's keys may do",
          items_of(ref("Permission"))),
    _read("/user/api-keys/{api_key_id}/permissions", "list_own_key_permissions",
          "What one key of the user may do", items_of(ref("Permission"))),
    _read("/strategies", "list_strategies", "The strategies that the key may see",
          items_of(ref("Strategy"))),
    _change("post", "/strategies", "create_strategy",
            "A strategy on accounts that the key may trade on",
            "StrategyRequest", ok_response("strategy_id:id")),
)  # fmt: skip
_MUTATED = object_of(
    {
        "ok": BOOLEAN,
        "entity": enum_of("orders", "positions", "deals"),
        "results": array_of(row("index:count ok:bool op:text? id:id? error:text?")),
    },
    {"command_id": ID, "command_ids": array_of(ID)},
)
_ROWS = any_of(
    ref("Order"), ref("Deal"), ref("Position"),
    ref("Mt5Order"), ref("Mt5Deal"), ref("Mt5Position"),
)  # fmt: skip
_ADMIN = (
    _read("/admin/strategies", "list_all_strategies", "All strategies", items_of(ref("Strategy"))),
    _change("post", "/admin/strategies", "create_any_strategy",
            "A strategy on any accounts, or none", "StrategyRequest",
            ok_response("strategy_id:id")),
    _change("patch", "/admin/strategies/{strategy_id}", "change_strategy",
            "Another name, status, client's id or other accounts",
            "StrategyChange", ok_response("strategy_id:id rows:count")),
    _read("/admin/accounts", "list_all_accounts", "All accounts", items_of(ref("AdminAccount"))),
    _change("post", "/admin/accounts", "create_account", "An account that no key may touch yet",
            "AccountRequest", ok_response("account_id:id")),
    _change("patch", "/admin/accounts/{account_id}", "change_account",
            "Other settings, another status, other credentials",
            "AccountChange", ok_response("account_id:id rows:count")),
    _read("/admin/users", "list_users", "All users", items_of(ref("User"))),
    _change("patch", "/admin/users/{user_id}", "change_user",
            "Another role, status or password", "UserChange", ok_response("user_id:id rows:count")),
    _read("/admin/users-api-keys", "list_all_keys", "All keys with their users",
          items_of(ref("UserApiKey"))),
    _change("post", "/admin/users-with-api-key", "create_user",
            "A user with a first key and its permissions", "UserRequest", ref("NewKey")),
    _change("post", "/admin/api-keys", "create_key", "Another key of a user, without permissions",
            "UserKeyRequest", ref("NewKey")),
    _change("patch", "/admin/api-keys/{api_key_id}", "change_key",
            "Turn a key on or off, name it, restrict it",
            "KeyChange", ok_response("api_key_id:id rows:count")),
    _read("/admin/api-keys/{api_key_id}/permissions", "list_key_permissions",
          "What a key may do", items_of(ref("Permission"))),
    _change("put", "/admin/api-keys/{api_key_id}/permissions", "set_key_permission",
            "Replace what a key may do on one account",
            "PermissionRequest", ok_response("api_key_id:id rows:count")),
    _read("/admin/audit", "list_audit_entries", "Who changed what, when, from where and why",
          page_of(ref("AuditEntry")),
          (
              p.OPTIONAL_ACCOUNTS,
              p.query("actor_user_id", ID, "Changes of one user."),
              p.query("action", TEXT, "One kind of change."),
              p.query("entity", TEXT, "Changes of one kind of thing."),
              p.SINCE,
              p.UNTIL,
              *p.PAGING,
          )),
    _read("/admin/oms/{view}", "list_any_rows", "Rows of any accounts, page by page",
          page_of(_ROWS),
          (p.OPTIONAL_ACCOUNTS, p.STRATEGY, p.SYMBOL, *p.DATES, *p.PAGING, p.VIEW)),
    Operation(
        method="post",
        path="/admin/oms/{entity}/mutate",
        name="mutate_rows",
        summary="Set rows right one by one; each change is audited",
        query=(*p.WAIT, p.COMMENT),
        body=body("Mutations"),
        answers=dict.fromkeys((200, 202, 207), _MUTATED),
        errors=frozenset({404, 502, 504}),
    ),
)  # fmt: skip

OPERATIONS = (*_SELF, *_ADMIN)
