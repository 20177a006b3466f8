"""An office seen from the desk where users and keys are administered."""

from dataclasses import dataclass, field

from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.http.asgi_client import AsgiClient, AsgiResponse

PASSWORD = "correct horse battery staple"


@dataclass
class AdminClient:
    """An office, an admin's hand, and how passwords are shown."""

    gateway: InProcessGateway
    dsn: str
    admin: AsgiClient = field(init=False)

    def __post_init__(self) -> None:
        self.admin = AsgiClient(self.gateway.app, ADMIN_KEY)

    @property
    def client(self) -> AsgiClient:
        """The trader's."""
        return self.gateway.client

    async def user(self, name: str = "ann", **more: object) -> dict[str, object]:
        """A user with a password and a key."""
        body = {"user_name": name, "password": PASSWORD} | more
        answer = await self.admin("POST", "/admin/users-with-api-key", body)
        assert answer.status == 200, answer.body
        made: dict[str, object] = answer.json()
        return made

    async def login(
        self, name: str = "ann", password: str = PASSWORD, **more: object
    ) -> AsgiResponse:
        """An attempt."""
        body = {"user_name": name, "password": password} | more
        return await self.client("POST", "/auth/login-password", body, key="")

    async def token(self, name: str = "ann", **more: object) -> str:
        """A token, by a login that must succeed."""
        answer = await self.login(name, **more)  # type: ignore[arg-type]
        assert answer.status == 200, answer.body
        return str(answer.json()["token"])
