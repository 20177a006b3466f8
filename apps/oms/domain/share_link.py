"""Share links: what a person without an account may see of some accounts, and until when."""

from datetime import datetime, timedelta
from enum import StrEnum

from oms.domain.value import value

DEFAULT_DURATION = timedelta(days=30)
DURATION_MAX = timedelta(days=366)
LINKS_MAX = 50
"""Links of one user that can be opened at a time."""


class ShareView(StrEnum):
    """What a link shows."""

    POSITIONS = "positions"
    EQUITY = "equity"
    STATS = "stats"


class ShareStatus(StrEnum):
    """Whether a link can be opened."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@value
class ShareLink:
    """A stored link; of its token only the hash is stored."""

    id: int
    token_hash: str
    #: It shows what this key may read.
    api_key_id: int
    user_id: int
    created_by: str
    #: Shown above the figures.
    title: str
    view: ShareView
    account_ids: tuple[int, ...]
    strategy_id: int | None = None
    #: Begin of the period; ``None``: everything.
    since: datetime | None = None
    #: Whether amounts of money and quantities are shown.
    has_amounts: bool = False
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def status(self, now: datetime) -> ShareStatus:
        """Return whether the link can be opened at ``now``."""
        if self.revoked_at is not None:
            return ShareStatus.REVOKED
        return ShareStatus.ACTIVE if now < self.expires_at else ShareStatus.EXPIRED
