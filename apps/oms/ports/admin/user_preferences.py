"""Preferences of users: one JSON object each, which only pages interpret."""

from datetime import datetime
from typing import Protocol


class UserPreferences(Protocol):
    """Storage of preferences; every method raises ``Unavailable``."""

    async def preferences_of(self, user_id: int) -> str | None:
        """Return the JSON text of the user; ``None`` if nothing was stored."""
        ...

    async def store_preferences(self, user_id: int, text: str, now: datetime) -> None:
        """Replace the JSON text of the user."""
        ...
