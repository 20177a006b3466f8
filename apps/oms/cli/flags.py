"""Flags shared by commands, and lazy import of command functions."""

import argparse
from typing import Any


def json_flags() -> argparse.ArgumentParser:
    """Return the flags of every command."""
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument("--json", action="store_true", help="JSON also on a terminal")
    return flags


def network_flags(json: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the flags of commands that send a request to a server."""
    network = argparse.ArgumentParser(add_help=False, parents=[json])
    network.add_argument("--base-url", help="OMS_BASE_URL, http://127.0.0.1:8000")
    add_secret(network, "api-key", "OMS_API_KEY")
    network.add_argument("--timeout", type=float, default=30, help="seconds")
    return network


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


def parse_ids(text: str) -> list[int]:
    """Return the ids of comma-separated text."""
    return [int(part) for part in text.split(",") if part.strip()]


def lazy_command(module: str, function: str) -> Any:
    """Return a function that imports ``oms.cli.<module>`` when the command runs."""

    def run(parsed: argparse.Namespace) -> Any:
        from importlib import import_module

        return getattr(import_module(f"oms.cli.{module}"), function)(parsed)

    return run
