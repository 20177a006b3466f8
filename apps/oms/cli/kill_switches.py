"""``oms kill on`` and ``oms kill off``: through the server if reachable, else in the database.

A switch written to the database applies to the next command of every worker, which is notified of
it; canceling orders and closing positions needs a server.
"""

import argparse
from typing import Any

from oms import bootstrap
from oms.cli import network
from oms.cli.access.change_notice import announce_change
from oms.cli.audit_context import cli_audit_context
from oms.cli.install import run_async
from oms.cli.output import CommandFailed
from oms.cli.settings import command_settings, environment, require_confirmation
from oms.domain.errors import OmsError
from oms.domain.risk.kill_switch import KillSwitch
from oms.domain.value import evolve
from oms.ports.notifier import Topic
from oms.wire.commands.kill_switch_requests import ActivateKillSwitch, read_activation

EXIT_UNREACHABLE = 6


def pull(parsed: argparse.Namespace) -> Any:
    """Activate a switch."""
    body = _scope_fields(parsed) | {
        "mode": parsed.mode,
        "comment": parsed.comment,
        "cancel_entries": not parsed.keep_entries,
        "drill": parsed.drill,
    }
    activation = _read_activation(body)
    response = _request_server(parsed, "POST", "/risk/kill", body)
    if response is not None:
        kill_ids = [] if activation.drill else [response["id"]]
        result = _build_result(parsed, on=not activation.drill, through="server", ids=kill_ids)
        return result | {"report": response.get("report", []), "would": response.get("would")}
    if activation.drill:
        raise CommandFailed("a drill needs a server", status=EXIT_UNREACHABLE)
    kill_ids = [_activate_in_database(parsed, activation)]
    result = _build_result(parsed, on=True, through="database", ids=kill_ids)
    return result | {"report": [], "would": None}


def release(parsed: argparse.Namespace) -> Any:
    """Release every active switch of this scope and id."""
    _read_activation(_scope_fields(parsed) | {"mode": "halt", "comment": parsed.comment})
    name = f"{parsed.scope} {parsed.id or ''}".strip()
    require_confirmation(parsed, f"release the kill switch of {name}")
    response = _request_server(parsed, "GET", "/risk/kill", None)
    if response is None:
        kill_ids = _release_in_database(parsed)
        return _build_result(parsed, on=False, through="database", ids=kill_ids)
    rows = [row for row in response["items"] if _matches(parsed, row["scope"], row["scope_id"])]
    for row in rows:
        body = {"comment": parsed.comment, "confirm": row["confirm"]}
        network.request(parsed, "POST", f"/risk/kill/{row['id']}/release", {}, body)
    kill_ids = [row["id"] for row in rows]
    return _build_result(parsed, on=False, through="server", ids=kill_ids)


def _request_server(
    parsed: argparse.Namespace, method: str, path: str, body: dict[str, Any] | None
) -> Any:
    """Return the server's response; ``None`` without a reachable server or an API key."""
    key_sources = (
        parsed.api_key,
        parsed.api_key_file,
        parsed.api_key_stdin,
        environment().get("OMS_API_KEY"),
    )
    if not any(key_sources):
        return None
    try:
        return network.request(parsed, method, path, {}, body)
    except CommandFailed as failed:
        if failed.status != EXIT_UNREACHABLE or failed.answer is not None:
            raise
        return None


def _scope_fields(parsed: argparse.Namespace) -> dict[str, Any]:
    return {"scope": parsed.scope, "scope_id": parsed.id}


def _read_activation(body: dict[str, Any]) -> ActivateKillSwitch:
    try:
        return read_activation(body, None)
    except OmsError as error:
        raise CommandFailed(error.message, status=2) from None


def _build_result(
    parsed: argparse.Namespace, *, on: bool, through: str, ids: list[int]
) -> dict[str, Any]:
    return {
        "ok": True,
        "scope": parsed.scope,
        "id": parsed.id,
        "mode": getattr(parsed, "mode", None),
        "on": on,
        "kill_ids": ids,
        "through": through,
    }


def _matches(parsed: argparse.Namespace, scope: str, scope_id: str | None) -> bool:
    return scope == parsed.scope and (scope_id or None) == (parsed.id or None)


def _activate_in_database(parsed: argparse.Namespace, activation: ActivateKillSwitch) -> int:
    audit_context = evolve(cli_audit_context(), comment=parsed.comment)

    async def work() -> int:
        settings = command_settings(parsed)
        async with bootstrap.open_store(settings) as store:
            switch = KillSwitch(
                id=0,
                scope=activation.scope,
                scope_id=activation.scope_id,
                mode=activation.mode,
                comment=activation.comment,
                cancel_entries=False,
                flatten=False,
                set_by=audit_context.actor,
                set_at=audit_context.at,
            )
            kill_id = (await store.kill_switches.activate(switch, audit_context)).id
            await announce_change(settings, store, Topic.SWITCHES)
            return kill_id

    return int(run_async(work()))


def _release_in_database(parsed: argparse.Namespace) -> list[int]:
    audit_context = evolve(cli_audit_context(), comment=parsed.comment)

    async def work() -> list[int]:
        settings = command_settings(parsed)
        async with bootstrap.open_store(settings) as store:
            rows = await store.kill_switches.all(is_on=True, limit=None)
            matching = [row for row in rows if _matches(parsed, row.scope.value, row.scope_id)]
            for row in matching:
                await store.kill_switches.release(row.id, audit_context)
            await announce_change(settings, store, Topic.SWITCHES)
            return [row.id for row in matching]

    return list(run_async(work()))
