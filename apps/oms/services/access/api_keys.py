"""New API keys: the key text is generated or given, returned once, and only its hash is stored."""

import secrets
from decimal import Decimal

from oms.domain.access import Principal, Restrictions, is_tighter
from oms.domain.browser_session import SESSION_PREFIX
from oms.domain.errors import Forbidden, Invalid
from oms.domain.value import evolve
from oms.ports.admin.user_admin import NewApiKey
from oms.services.access.authenticate import TOKEN_PREFIX, hash_key

KEY_BYTES = 32
CHARACTERS_MIN = 24
CHARACTERS_MAX = 128
PREFIX_CHARACTERS = 8


def generate_key() -> str:
    """Return the clear text of a new random key."""
    return f"oms_{secrets.token_urlsafe(KEY_BYTES)}"


def create_key(
    text: str | None, label: str | None, restrictions: Restrictions
) -> tuple[str, NewApiKey]:
    """Return the text of a key, generated if ``text`` is ``None``, and the row to store.

    Raises ``Invalid`` (``weak_key``).
    """
    plain = generate_key() if text is None else text
    is_printable = plain.isascii() and plain.isprintable() and " " not in plain
    if not CHARACTERS_MIN <= len(plain) <= CHARACTERS_MAX or not is_printable:
        message = f"a key has {CHARACTERS_MIN} to {CHARACTERS_MAX} printable ASCII characters"
        raise Invalid(message, code="weak_key")
    for prefix in (TOKEN_PREFIX, SESSION_PREFIX):
        if plain.startswith(prefix):
            raise Invalid(f"a key does not begin with {prefix}", code="weak_key")
    stored = NewApiKey(
        hash=hash_key(plain),
        prefix=plain[:PREFIX_CHARACTERS],
        label=label,
        restrictions=restrictions,
    )
    return plain, stored


def restrict_to_owner(principal: Principal, requested: Restrictions) -> Restrictions:
    """Return the restrictions of a key that an owner creates: those of its own key, or tighter.

    Raises ``Forbidden``.
    """
    own = principal.restrictions
    restricted = evolve(
        requested,
        expires_at=requested.expires_at or own.expires_at,
        networks=requested.networks or own.networks,
        max_order_notional=_or_default(requested.max_order_notional, own.max_order_notional),
        max_day_notional=_or_default(requested.max_day_notional, own.max_day_notional),
    )
    refuse_looser(restricted, own)
    return restricted


def refuse_looser(requested: Restrictions, own: Restrictions) -> None:
    """Check that an owner only tightens restrictions. Raises ``Forbidden``."""
    if not is_tighter(requested, own):
        raise Forbidden("restrictions of a key are loosened by an admin only")


def _or_default(requested: Decimal | None, own: Decimal | None) -> Decimal | None:
    return own if requested is None else requested
