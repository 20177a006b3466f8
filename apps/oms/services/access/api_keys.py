"""New API keys: their text is made or taken here, told once, and only its hash goes on."""

import secrets
from decimal import Decimal

from oms.domain.access import Principal, Restrictions, is_tighter
from oms.domain.errors import Forbidden, Invalid
from oms.domain.value import evolve
from oms.ports.user_admin import NewApiKey
from oms.services.access.authenticate import TOKEN_PREFIX, hash_key

KEY_BYTES = 32
CHARACTERS_MIN = 24
CHARACTERS_MAX = 128
PREFIX_CHARACTERS = 8


def create_key(
    text: str | None, label: str | None, restrictions: Restrictions
) -> tuple[str, NewApiKey]:
    """The text of a key, chosen or made, and what is stored of it.

    Raises ``Invalid`` (``weak_key``).
    """
    plain = f"oms_{secrets.token_urlsafe(KEY_BYTES)}" if text is None else text
    is_printable = plain.isascii() and plain.isprintable() and " " not in plain
    if not CHARACTERS_MIN <= len(plain) <= CHARACTERS_MAX or not is_printable:
        message = f"a key has {CHARACTERS_MIN} to {CHARACTERS_MAX} printable ASCII characters"
        raise Invalid(message, code="weak_key")
    if plain.startswith(TOKEN_PREFIX):
        raise Invalid(f"a key does not begin with {TOKEN_PREFIX}", code="weak_key")
    stored = NewApiKey(
        hash=hash_key(plain),
        prefix=plain[:PREFIX_CHARACTERS],
        label=label,
        restrictions=restrictions,
    )
    return plain, stored


def restrict_to_owner(principal: Principal, wanted: Restrictions) -> Restrictions:
    """What a key that its owner makes is held to: all that the one he shows is, or tighter.

    Raises ``Forbidden``.
    """
    held = principal.restrictions
    made = evolve(
        wanted,
        expires_at=wanted.expires_at or held.expires_at,
        networks=wanted.networks or held.networks,
        max_order_notional=_first(wanted.max_order_notional, held.max_order_notional),
        max_day_notional=_first(wanted.max_day_notional, held.max_day_notional),
    )
    refuse_looser(made, held)
    return made


def refuse_looser(wanted: Restrictions, held: Restrictions) -> None:
    """An owner only tightens. Raises ``Forbidden``."""
    if not is_tighter(wanted, held):
        raise Forbidden("restrictions of a key are loosened by an admin only")


def _first(wanted: Decimal | None, held: Decimal | None) -> Decimal | None:
    return held if wanted is None else wanted
