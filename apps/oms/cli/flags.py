"""Parser of the command line, flags shared by commands, and lazy import of command functions."""

import argparse
import difflib
import re
from collections.abc import Sequence
from typing import Any, NoReturn

_UNKNOWN_COMMAND = re.compile(r"argument (?:COMMAND|VERB): invalid choice: '(.*?)' \(choose from")


class CommandParser(argparse.ArgumentParser):
    """A parser whose errors are one line, and whose help keeps the lines of its example."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **options)

    def error(self, message: str) -> NoReturn:
        """Print one line on stderr and exit with status 2."""
        if unknown := _UNKNOWN_COMMAND.match(message):
            close = difflib.get_close_matches(unknown[1], self._verbs(), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            message = f"no command {unknown[1]!r}{hint}"
        self.exit(2, f"oms: {' '.join(message.split())} (see: {self.prog} --help)\n")

    def _verbs(self) -> list[str]:
        choices = (action.choices for action in self._actions if action.dest in ("command", "verb"))
        return [name for names in choices for name in names or ()]


def add_verb(
    commands: Any,
    name: str,
    parents: Sequence[argparse.ArgumentParser],
    text: str,
    *,
    example: str,
    run: Any,
) -> CommandParser:
    """Return the parser of a command with its help text and an example of its use."""
    parser: CommandParser = commands.add_parser(
        name,
        parents=list(parents),
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"example:\n  oms {example}",
    )
    parser.set_defaults(run=run)
    return parser


def add_group(commands: Any, name: str, text: str) -> Any:
    """Return where the verbs of a command with several of them are added."""
    group = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    return group.add_subparsers(dest="verb", metavar="VERB", required=True)


def json_flags() -> argparse.ArgumentParser:
    """Return the flags of every command."""
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument("--json", action="store_true", help="JSON also on a terminal")
    return flags


def network_flags(json: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the flags of commands that send a request to a server."""
    network = argparse.ArgumentParser(add_help=False, parents=[server_flags(json)])
    add_secret(network, "api-key", "the API key (OMS_API_KEY)")
    return network


def server_flags(json: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the flags that say which server is asked, without those of a key."""
    server = argparse.ArgumentParser(add_help=False, parents=[json])
    server.add_argument(
        "--base-url", help="the server's address (OMS_BASE_URL, http://127.0.0.1:8000)"
    )
    server.add_argument(
        "--timeout", type=float, default=30, help="seconds to wait for a response (30)"
    )
    return server


def add_secret(command: argparse.ArgumentParser, name: str, text: str) -> None:
    """Add ``--name``, ``--name-file`` and ``--name-stdin``, which exclude each other."""
    sources = command.add_mutually_exclusive_group()
    sources.add_argument(f"--{name}", help=text)
    sources.add_argument(f"--{name}-file", metavar="PATH", help="it is the text of a file")
    sources.add_argument(f"--{name}-stdin", action="store_true", help="it is a line of stdin")


def add_restrictions(command: argparse.ArgumentParser) -> None:
    """Add the flags of a key's restrictions."""
    command.add_argument("--expires-at", help="RFC 3339")
    command.add_argument("--ip-allowlist", metavar="CSV", help="networks, as 10.0.0.0/8,::1/128")
    command.add_argument("--max-order-notional", help="of one opening order")
    command.add_argument("--max-day-notional", help="of the opening orders of a day, UTC")


def add_confirmation(command: argparse.ArgumentParser) -> None:
    """Add ``--yes`` to a command that cannot be undone."""
    command.add_argument("--yes", action="store_true", help="do not ask")


def add_account_id(command: argparse.ArgumentParser, text: str = "id of the account") -> None:
    """Add the required ``--account-id``."""
    command.add_argument("--account-id", type=int, required=True, help=text)


def parse_ids(text: str) -> list[int]:
    """Return the ids of comma-separated text."""
    return [int(part) for part in text.split(",") if part.strip()]


def lazy_command(module: str, function: str) -> Any:
    """Return a function that imports ``oms.cli.<module>`` when the command runs."""

    def run(*arguments: Any) -> Any:
        from importlib import import_module

        return getattr(import_module(f"oms.cli.{module}"), function)(*arguments)

    return run
