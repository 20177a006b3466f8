"""``oms paper``: what only paper exchanges can: run a script, tell their hash, set their world.

``run`` needs neither server nor database; ``hash`` reads the database; the others ask the server.
"""

import argparse
import gzip
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from oms import bootstrap
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.adapters.paper.scenario import ScenarioRunner
from oms.cli.install import run_async
from oms.cli.output import CommandFailed
from oms.cli.settings import command_settings
from oms.domain.account import Account, Engine, Environment, PositionMode
from oms.domain.errors import Invalid, NotFound
from oms.simulation.state.value_codec import encode
from oms.wire.account_config.paper_settings import read_paper_settings
from oms.wire.json import NotJson, dumps, dumps_fast, loads

#: What a run is without a line of settings.
DEFAULT_SETTINGS: dict[str, Any] = {
    "do": "settings",
    "exchange_id": "paper.binance",
    "position_mode": "netting",
    "paper": {"source": "manual"},
}
_GZIP = b"\x1f\x8b"


def run(parsed: argparse.Namespace) -> Any:
    """``{ok, hash, lines, facts, at}`` after the script's last line."""
    try:
        with ExitStack() as stack:
            return _run(parsed, _objects(_opened(stack, parsed.file)))
    except Invalid as wrong:
        raise CommandFailed(f"{parsed.file}: {wrong.message}") from None
    except (OSError, EOFError, UnicodeDecodeError) as problem:
        raise CommandFailed(f"{parsed.file}: {problem}", status=2) from None


def hash_of_account(parsed: argparse.Namespace) -> Any:
    """``{ok, account_id, hash}`` of a paper account in the database."""
    settings = command_settings(parsed)

    async def read() -> dict[str, Any]:
        async with bootstrap.open_store(settings) as store:
            rows = await store.registry.accounts([parsed.account_id])
            if not rows or rows[0].account.engine is not Engine.PAPER:
                message = f"no paper account has the id {parsed.account_id}"
                raise NotFound(message, code="account_not_found")
            memory = await store.verification_reads.paper_exchange_state(parsed.account_id)
            exchange = PaperExchange.restore(rows[0].account, memory, settings.tapes)
            return {"ok": True, "account_id": parsed.account_id, "hash": exchange.state_hash()}

    return run_async(read())


def _run(parsed: argparse.Namespace, lines: Iterator[dict[str, Any]]) -> dict[str, Any]:
    tapes = Path(parsed.tapes) if parsed.tapes else command_settings(parsed).tapes
    head, rest = _headed(lines)
    saved = None
    if parsed.load:
        if head is not None:
            raise Invalid("line 1: a run that goes on keeps the settings it began with")
        told = json.loads(Path(parsed.load).read_text(encoding="utf-8"))
        head, saved = loads(told["settings"]), told["script"]
    head = head or DEFAULT_SETTINGS
    script = ScenarioRunner(_account(head), tapes, saved)
    if saved is None and head is not DEFAULT_SETTINGS:
        script.lines = 1
    for line in rest:
        for fact in script.run([line]):
            if parsed.facts:
                print(dumps_fast(encode(fact)))
    if parsed.save:
        told = {"settings": dumps(head), "script": script.dump()}
        Path(parsed.save).write_text(json.dumps(told), encoding="utf-8")
    return {
        "ok": True,
        "hash": script.state_hash(),
        "lines": script.lines,
        "facts": script.event_count,
        "at": None if script.last is None else script.last.isoformat(),
    }


def _headed(
    lines: Iterator[dict[str, Any]],
) -> tuple[dict[str, Any] | None, Iterator[dict[str, Any]]]:
    """The line of settings, if it is the first, and all the others."""
    first = next(lines, None)
    if first is None:
        return None, lines
    if first.get("do") == "settings":
        return first, lines

    def again() -> Iterator[dict[str, Any]]:
        yield first
        yield from lines

    return None, again()


def _account(head: dict[str, Any]) -> Account:
    unknown = head.keys() - DEFAULT_SETTINGS.keys()
    if unknown:
        raise Invalid(f"line 1: settings have no key {', '.join(sorted(unknown))}")
    told = {**DEFAULT_SETTINGS, **head}
    try:
        return Account(
            id=1,
            exchange_id=told["exchange_id"],
            label="script",
            position_mode=PositionMode(told["position_mode"]),
            environment=Environment.PAPER,
            paper=read_paper_settings(dumps({"oms": {"paper": told["paper"]}}), strict=True),
        )
    except ValueError as wrong:
        raise Invalid(f"line 1: {wrong}") from None


def _opened(stack: ExitStack, name: str) -> IO[str]:
    path = Path(name)
    with path.open("rb") as raw:
        is_packed = raw.read(2) == _GZIP
    opener: Any = gzip.open if is_packed else open
    file: IO[str] = stack.enter_context(opener(path, "rt", encoding="utf-8"))
    return file


def _objects(file: IO[str]) -> Iterator[dict[str, Any]]:
    """The JSON object of each line that is not empty."""
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            told = loads(line)
        except NotJson as wrong:
            raise Invalid(f"line {number}: {wrong}") from None
        if not isinstance(told, dict):
            raise Invalid(f"line {number}: an object is expected")
        yield told
