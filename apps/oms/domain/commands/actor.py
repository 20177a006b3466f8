"""Who submitted a command."""

from oms.domain.value import value


@value
class Actor:
    """Who submitted the command; permissions are checked again before execution."""

    user_id: int
    api_key_id: int
    role: str
    ip: str = ""

    @property
    def is_system(self) -> bool:
        """Return whether the gateway itself made the command."""
        return self.role == SYSTEM_ROLE


SYSTEM_ROLE = "system"
"""Role of the gateway's own commands; it is no role of a user."""

SYSTEM_ACTOR = Actor(user_id=0, api_key_id=0, role=SYSTEM_ROLE)
