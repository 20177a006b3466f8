"""A client of the administration of users and keys of an in-process gateway."""

from dataclasses import dataclass, field

from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.http.asgi_client import AsgiClient, AsgiResponse

PASSWORD = "correct horse battery staple"


@dataclass
class AdminClient:
    """Calls of an admin; ``client`` has the trader's key."""

    gateway: InProcessGateway
    dsn: str
    admin: AsgiClient = field(init=False)

    def __post_init__(self) -> None:
        self.admin = AsgiClient(self.gateway.app, ADMIN_KEY)

    @property
    def client(self) -> AsgiClient:
        """The client with the trader's key."""
        return self.gateway.client

    async def user(self, name: str = "ann", **more: object) -> dict[str, object]:
        """Creates a user with a password and a key; returns the response."""
        body = {"user_name": name, "password": PASSWORD} | more
        answer = await self.admin("POST", "/admin/users-with-api-key", body)
        assert answer.status == 200, answer.body
        user: dict[str, object] = answer.json()
        return user

    async def login(
        self, name: str = "ann", password: str = PASSWORD, **more: object
    ) -> AsgiResponse:
        """A login attempt; returns the response."""
        body = {"user_name": name, "password": password} | more
        return await self.client("POST", "/auth/login-password", body, key="")

    async def token(self, name: str = "ann", **more: object) -> str:
        """Logs in and returns the token; the login must succeed."""
        answer = await self.login(name, **more)  # type: ignore[arg-type]
        assert answer.status == 200, answer.body
        return str(answer.json()["token"])
