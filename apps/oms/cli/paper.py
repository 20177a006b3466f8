"""``oms paper run`` and ``oms paper hash``: scripted paper exchanges and hashes of their state.

``run`` needs neither server nor database; ``hash`` reads the database.
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

#: Settings of a run whose script has none.
DEFAULT_SETTINGS: dict[str, Any] = {
    "do": "settings",
    "exchange_id": "paper.binance",
    "position_mode": "netting",
    "paper": {"source": "manual"},
}
_GZIP = b"\x1f\x8b"


def run(parsed: argparse.Namespace) -> Any:
    """Run a script and return ``{ok, hash, lines, facts, at}`` of its end."""
    try:
        with ExitStack() as stack:
            return _run(parsed, _read_objects(_open_script(stack, parsed.file)))
    except Invalid as error:
        raise CommandFailed(f"{parsed.file}: {error.message}") from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{parsed.file}: {error}", status=2) from None


def hash_of_account(parsed: argparse.Namespace) -> Any:
    """Return ``{ok, account_id, hash}`` of a paper account in the database."""
    settings = command_settings(parsed)

    async def read() -> dict[str, Any]:
        async with bootstrap.open_store(settings) as store:
            rows = await store.registry.accounts([parsed.account_id])
            if not rows or rows[0].account.engine is not Engine.PAPER:
                message = f"no paper account has the id {parsed.account_id}"
                raise NotFound(message, code="account_not_found")
            state = await store.verification_reads.paper_exchange_state(parsed.account_id)
            exchange = PaperExchange.restore(rows[0].account, state, settings.price_tapes_dir)
            return {"ok": True, "account_id": parsed.account_id, "hash": exchange.state_hash()}

    return run_async(read())


def _run(parsed: argparse.Namespace, lines: Iterator[dict[str, Any]]) -> dict[str, Any]:
    tapes = Path(parsed.tapes) if parsed.tapes else command_settings(parsed).price_tapes_dir
    head, rest = _split_settings(lines)
    saved = None
    if parsed.load:
        if head is not None:
            raise Invalid("line 1: a continued run keeps its settings")
        loaded = json.loads(Path(parsed.load).read_text(encoding="utf-8"))
        head, saved = loads(loaded["settings"]), loaded["script"]
    head = head or DEFAULT_SETTINGS
    script = ScenarioRunner(_account(head), tapes, saved)
    if saved is None and head is not DEFAULT_SETTINGS:
        script.lines = 1
    for line in rest:
        for event in script.run([line]):
            if parsed.facts:
                print(dumps_fast(encode(event)))
    if parsed.save:
        state = {"settings": dumps(head), "script": script.dump()}
        Path(parsed.save).write_text(json.dumps(state), encoding="utf-8")
    return {
        "ok": True,
        "hash": script.state_hash(),
        "lines": script.lines,
        "facts": script.event_count,
        "at": None if script.last is None else script.last.isoformat(),
    }


def _split_settings(
    lines: Iterator[dict[str, Any]],
) -> tuple[dict[str, Any] | None, Iterator[dict[str, Any]]]:
    """Return the settings line if it is the first, and the other lines."""
    first = next(lines, None)
    if first is None:
        return None, lines
    if first.get("do") == "settings":
        return first, lines

    def all_lines() -> Iterator[dict[str, Any]]:
        yield first
        yield from lines

    return None, all_lines()


def _account(head: dict[str, Any]) -> Account:
    unknown = head.keys() - DEFAULT_SETTINGS.keys()
    if unknown:
        raise Invalid(f"line 1: settings have no key {', '.join(sorted(unknown))}")
    fields = {**DEFAULT_SETTINGS, **head}
    try:
        return Account(
            id=1,
            exchange_id=fields["exchange_id"],
            label="script",
            position_mode=PositionMode(fields["position_mode"]),
            environment=Environment.PAPER,
            paper=read_paper_settings(dumps({"oms": {"paper": fields["paper"]}}), strict=True),
        )
    except ValueError as error:
        raise Invalid(f"line 1: {error}") from None


def _open_script(stack: ExitStack, name: str) -> IO[str]:
    path = Path(name)
    with path.open("rb") as raw:
        is_packed = raw.read(2) == _GZIP
    opener: Any = gzip.open if is_packed else open
    file: IO[str] = stack.enter_context(opener(path, "rt", encoding="utf-8"))
    return file


def _read_objects(file: IO[str]) -> Iterator[dict[str, Any]]:
    """Yield the JSON object of each line that is not empty. Raises ``Invalid``."""
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            value = loads(line)
        except NotJson as error:
            raise Invalid(f"line {number}: {error}") from None
        if not isinstance(value, dict):
            raise Invalid(f"line {number}: an object is expected")
        yield value
