"""The gateway of ``oms demo`` for end-to-end tests: accounts with weeks of trading."""

import json

from kit.gateway.processes import Gateway

DAYS = 4


class DemoGateway(Gateway):
    """``oms demo`` with a short past, in its own folder, on a free port."""

    def start(self, *, copies_schema: bool = True) -> None:
        """Make the demo and run it; wait until it is ready."""
        assert copies_schema, "a demo makes its own database"
        home = str(self.data_folder)
        self._spawn("demo", "--home", home, "--port", str(self.port), "--days", str(DAYS))
        self.wait_until_ready()

    def password_of(self, user_name: str) -> str:
        """Return the password of a user of the demo."""
        return str(self._record()["passwords"][user_name])

    def api_key_of(self, user_name: str) -> str:
        """Return the API key of a user of the demo."""
        return str(self._record()["api_keys"][user_name])

    def _record(self) -> dict[str, dict[str, str]]:
        text = (self.data_folder / "demo.json").read_text(encoding="utf-8")
        record: dict[str, dict[str, str]] = json.loads(text)
        return record
