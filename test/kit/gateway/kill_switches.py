"""Kill switches of a gateway under test."""

from kit.databases.sql import execute
from kit.gateway.processes import Gateway
from kit.http.client import call


def make_releasable(dsn: str, switch_id: int) -> None:
    """Move the activation of a switch into the past: it may be released a minute after it."""
    moment = "2020-01-01T00:00:00.000000Z" if dsn.startswith("sqlite") else "2020-01-01 00:00:00"
    execute(dsn, f"UPDATE kill_switches SET created_at = '{moment}' WHERE id = {switch_id}")


def release(gateway: Gateway, scope_id: int, *, scope: str = "account") -> None:
    """Release the switch of an account, or of another scope, as an administrator."""
    _, switches, _ = call(gateway, "GET", "/risk/kill", key=gateway.admin_api_key)
    wanted = (scope, str(scope_id))
    (switch,) = (one for one in switches["items"] if (one["scope"], one["scope_id"]) == wanted)
    make_releasable(gateway.dsn, switch["id"])
    body = {"comment": "the test is over", "confirm": switch["confirm"]}
    path = f"/risk/kill/{switch['id']}/release"
    status, answer, _ = call(gateway, "POST", path, body, key=gateway.admin_api_key)
    assert status == 200, answer
