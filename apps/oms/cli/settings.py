"""Settings for a command: its flags over the environment, ``.env``, the config file, defaults.

Secrets come by flag, from a file, from stdin, from the environment, or from a hidden prompt.
"""

import argparse
import getpass
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from oms.cli.output import CommandFailed

if TYPE_CHECKING:
    from oms.config import Settings


def command_settings(parsed: argparse.Namespace) -> "Settings":
    """The settings that hold for this command. Raises ``Failed`` naming what is wrong."""
    from oms.config import load_settings

    flags = {key: getattr(parsed, key, None) for key in ("host", "port")}
    try:
        return load_settings(environment(), flags)
    except (ValueError, OSError) as wrong:
        raise CommandFailed(f"settings: {_one_line(wrong)}", status=2) from None


def environment() -> Mapping[str, str]:
    """The environment over ``.env`` of the working folder."""
    return _dotenv() | dict(os.environ)


def read_secret(parsed: argparse.Namespace, name: str, *, warns: bool = False) -> str | None:
    """The secret that ``--name``, ``--name-file`` or ``--name-stdin`` tells; ``None`` without.

    With ``warns`` a word is said where it stands in the list of processes for all to read.
    """
    flag = name.replace("-", "_")
    path = getattr(parsed, f"{flag}_file")
    if path is not None:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            told = getattr(problem, "strerror", None) or "it is no text"
            raise CommandFailed(f"--{name}-file: {path}: {told}", status=2) from None
    if getattr(parsed, f"{flag}_stdin"):
        return sys.stdin.readline().strip()
    text: str | None = getattr(parsed, flag)
    if text is not None and warns:
        better = f"use --{name}-stdin or --{name}-file"
        print(
            f"oms: warning: others see --{name} in the list of processes; {better}", file=sys.stderr
        )
    return text


def prompt_secret(what: str) -> str | None:
    """What is typed at a hidden prompt; ``None`` where nobody can be asked or nothing is typed."""
    if not sys.stdin.isatty():
        return None
    return getpass.getpass(f"{what}: ").strip() or None


def require_confirmation(parsed: argparse.Namespace, what: str) -> None:
    """Ask before what cannot be undone. Raises ``Failed`` unless it is wished."""
    if parsed.yes:
        return
    if not sys.stdin.isatty():
        raise CommandFailed(f"{what}: say --yes", status=2)
    print(f"{what}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandFailed("nothing was done", status=1)


def _dotenv(path: Path = Path(".env")) -> dict[str, str]:
    """``NAME=value`` lines of ``.env`` in the working folder; quotes around a value go."""
    if not path.is_file():
        return {}
    pairs = (
        line.partition("=")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "=" in line and not line.lstrip().startswith("#")
    )
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def _one_line(wrong: Exception) -> str:
    """``key: what is wrong`` of each complaint; the whole text of pydantic is a page."""
    complaints = getattr(wrong, "errors", None)
    if complaints is None:
        return " ".join(str(wrong).split())
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in complaints())
