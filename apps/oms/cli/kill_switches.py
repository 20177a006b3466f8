"""``oms kill on`` and ``kill off``: through the server if it answers, else in the database.

Where no server answers the switch is written where every worker reads it. It rules what comes
from then on; canceling what rests and closing positions is asked of a server.
"""

import argparse
from typing import Any

from oms import bootstrap
from oms.cli import network
from oms.cli.install import run_async
from oms.cli.output import CommandFailed
from oms.cli.registry_admin import cli_actor
from oms.cli.settings import command_settings, environment, require_confirmation
from oms.domain.errors import OmsError
from oms.domain.risk.kill_switch import KillSwitch
from oms.domain.value import evolve
from oms.wire.commands.kill_switch_requests import ActivateKillSwitch, read_activation

EXIT_UNREACHABLE = 6
SWITCHES_MAX = 1000


def pull(parsed: argparse.Namespace) -> Any:
    """Pull a switch."""
    body = _named(parsed) | {
        "mode": parsed.mode,
        "comment": parsed.comment,
        "cancel_entries": not parsed.keep_entries,
        "drill": parsed.drill,
    }
    ask = _ask(body)
    told = _through_server(parsed, "POST", "/risk/kill", body)
    if told is not None:
        kills = [] if ask.drill else [told["id"]]
        answer = _answer(parsed, on=not ask.drill, through="server", kills=kills)
        return answer | {"report": told.get("report", []), "would": told.get("would")}
    if ask.drill:
        raise CommandFailed(
            "what a switch would do is told by a server only", status=EXIT_UNREACHABLE
        )
    kills = [_pull_here(parsed, ask)]
    answer = _answer(parsed, on=True, through="database", kills=kills)
    return answer | {"report": [], "would": None}


def release(parsed: argparse.Namespace) -> Any:
    """Release every switch of this scope and id that is on."""
    _ask(_named(parsed) | {"mode": "halt", "comment": parsed.comment})
    name = f"{parsed.scope} {parsed.id or ''}".strip()
    require_confirmation(parsed, f"release the kill switch of {name}")
    told = _through_server(parsed, "GET", "/risk/kill", None)
    if told is None:
        kills = _release_here(parsed)
        return _answer(parsed, on=False, through="database", kills=kills)
    found = [row for row in told["items"] if _is_meant(parsed, row["scope"], row["scope_id"])]
    for row in found:
        body = {"comment": parsed.comment, "confirm": row["confirm"]}
        network.request(parsed, "POST", f"/risk/kill/{row['id']}/release", {}, body)
    kills = [row["id"] for row in found]
    return _answer(parsed, on=False, through="server", kills=kills)


def _through_server(
    parsed: argparse.Namespace, method: str, path: str, body: dict[str, Any] | None
) -> Any:
    """The server's answer; ``None`` if none answers, or nobody has a key for it."""
    ways = (
        parsed.api_key,
        parsed.api_key_file,
        parsed.api_key_stdin,
        environment().get("OMS_API_KEY"),
    )
    if not any(ways):
        return None
    try:
        return network.request(parsed, method, path, {}, body)
    except CommandFailed as failed:
        if failed.status != EXIT_UNREACHABLE or failed.answer is not None:
            raise
        return None


def _named(parsed: argparse.Namespace) -> dict[str, Any]:
    return {"scope": parsed.scope, "scope_id": parsed.id}


def _ask(body: dict[str, Any]) -> ActivateKillSwitch:
    try:
        return read_activation(body, None)
    except OmsError as wrong:
        raise CommandFailed(wrong.message, status=2) from None


def _answer(
    parsed: argparse.Namespace, *, on: bool, through: str, kills: list[int]
) -> dict[str, Any]:
    return {
        "ok": True,
        "scope": parsed.scope,
        "id": parsed.id,
        "mode": getattr(parsed, "mode", None),
        "on": on,
        "kill_ids": kills,
        "through": through,
    }


def _is_meant(parsed: argparse.Namespace, scope: str, scope_id: str | None) -> bool:
    return scope == parsed.scope and (scope_id or None) == (parsed.id or None)


def _pull_here(parsed: argparse.Namespace, ask: ActivateKillSwitch) -> int:
    by = evolve(cli_actor(), comment=parsed.comment)

    async def work() -> int:
        async with bootstrap.open_store(command_settings(parsed)) as store:
            switch = KillSwitch(
                id=0,
                scope=ask.scope,
                scope_id=ask.scope_id,
                mode=ask.mode,
                comment=ask.comment,
                cancel_entries=False,
                flatten=False,
                set_by=by.actor,
                set_at=by.at,
            )
            return (await store.kill_switches.activate(switch, by)).id

    return int(run_async(work()))


def _release_here(parsed: argparse.Namespace) -> list[int]:
    by = evolve(cli_actor(), comment=parsed.comment)

    async def work() -> list[int]:
        async with bootstrap.open_store(command_settings(parsed)) as store:
            rows = await store.kill_switches.all(is_on=True, limit=SWITCHES_MAX)
            mine = [row for row in rows if _is_meant(parsed, row.scope.value, row.scope_id)]
            for row in mine:
                await store.kill_switches.release(row.id, by)
            return [row.id for row in mine]

    return list(run_async(work()))
