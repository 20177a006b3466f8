"""Share links: request body and rows. No token is among the rows."""

from datetime import datetime
from typing import Annotated, Any, Required

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.share_link import ShareLink, ShareStatus, ShareView
from oms.domain.value import value
from oms.wire.field_types import Comment, Id, Moment, enum_schema
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.json import optional_time_text, time_text
from oms.wire.parameters import ACCOUNTS_MAX
from oms.wire.request_body import malformed_at
from oms.wire.responses.value_types import Id as IdText
from oms.wire.responses.value_types import TimeText, one_of

Title = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^\S(.*\S)?$")]


class ShareLinkFields(TypedDict, total=False):
    """``POST /user/share-links``."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]
    view: Required[Annotated[str, enum_schema(ShareView)]]
    account_ids: Required[Annotated[list[Id], Field(min_length=1, max_length=ACCOUNTS_MAX)]]
    title: Title
    strategy_id: Id
    since: Moment
    show_amounts: bool
    expires_at: Moment
    comment: Comment


SHARE_LINK = TypeAdapter(ShareLinkFields)


@value
class NewShareLink:
    """A link that is asked for; ``None`` of ``expires_at``: after the default time."""

    title: str
    view: ShareView
    account_ids: tuple[int, ...]
    strategy_id: int | None
    since: datetime | None
    has_amounts: bool
    expires_at: datetime | None
    comment: str | None


class ShareLinkRow(TypedDict):
    """A share link."""

    share_link_id: IdText
    title: str
    view: Annotated[str, one_of(*ShareView)]
    account_ids: list[IdText]
    strategy_id: IdText | None
    since: TimeText | None
    show_amounts: bool
    status: Annotated[str, one_of(*ShareStatus)]
    created_by: str
    created_at: TimeText
    expires_at: TimeText
    revoked_at: TimeText | None


class ShareLinkCreated(TypedDict):
    """A link with its token, which is shown only here."""

    ok: bool
    share_link: ShareLinkRow
    token: Annotated[str | None, Field(description="Null where a request is repeated.")]


class ShareLinkRevoked(TypedDict):
    """The link that was revoked."""

    ok: bool
    share_link_id: IdText


def read_share_link(body: object) -> NewShareLink:
    """Parse the body of a new link. Raises ``Malformed``."""
    fields = validate(SHARE_LINK, drop_nulls(require_object(body, ("body",))), ())
    view = fields["view"].lower()
    if view not in ShareView.__members__.values():
        raise malformed_at(("view",), f"one of {', '.join(ShareView)} is expected", "enum")
    return NewShareLink(
        title=fields.get("title", view),
        view=ShareView(view),
        account_ids=tuple(sorted(set(fields["account_ids"]))),
        strategy_id=fields.get("strategy_id"),
        since=fields.get("since"),
        has_amounts=fields.get("show_amounts", False),
        expires_at=fields.get("expires_at"),
        comment=fields.get("comment"),
    )


def share_link_row(link: ShareLink, now: datetime) -> ShareLinkRow:
    """Return the row of a link."""
    return {
        "share_link_id": link.id,
        "title": link.title,
        "view": link.view.value,
        "account_ids": list(link.account_ids),
        "strategy_id": link.strategy_id,
        "since": optional_time_text(link.since),
        "show_amounts": link.has_amounts,
        "status": link.status(now).value,
        "created_by": link.created_by,
        "created_at": time_text(link.created_at),
        "expires_at": time_text(link.expires_at),
        "revoked_at": optional_time_text(link.revoked_at),
    }


def share_link_audit_row(link: ShareLink) -> dict[str, Any]:
    """Return a link for the audit log."""
    row: dict[str, Any] = {**share_link_row(link, link.created_at)}
    del row["status"]
    return row
