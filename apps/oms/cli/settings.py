"""Settings of a command: flags over the environment, ``.env``, the config file and defaults.

Secrets come from a flag, a file, stdin, the environment or a hidden prompt.
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
    """Return the settings of a command. Raises ``CommandFailed`` naming the invalid key."""
    from oms.config import load_settings

    flags = {key: getattr(parsed, key, None) for key in ("host", "port")}
    try:
        return load_settings(environment(), flags)
    except (ValueError, OSError) as error:
        raise CommandFailed(f"settings: {_one_line(error)}", status=2) from None


def environment() -> Mapping[str, str]:
    """Return the environment over ``.env`` of the working folder."""
    return _dotenv() | dict(os.environ)


def read_secret(parsed: argparse.Namespace, name: str, *, warns: bool = False) -> str | None:
    """Return the secret of ``--name``, ``--name-file`` or ``--name-stdin``; ``None`` without one.

    With ``warns`` a warning is printed if it is visible in the list of processes.
    """
    flag = name.replace("-", "_")
    path = getattr(parsed, f"{flag}_file")
    if path is not None:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise CommandFailed(f"--{name}-file: {path}: {reason}", status=2) from None
    if getattr(parsed, f"{flag}_stdin"):
        return sys.stdin.readline().strip()
    text: str | None = getattr(parsed, flag)
    if text is not None and warns:
        advice = f"use --{name}-stdin or --{name}-file"
        print(
            f"oms: warning: others see --{name} in the list of processes; {advice}", file=sys.stderr
        )
    return text


def prompt_secret(what: str) -> str | None:
    """Return the text typed at a hidden prompt; ``None`` without a terminal or input."""
    if not sys.stdin.isatty():
        return None
    return getpass.getpass(f"{what}: ").strip() or None


def require_confirmation(parsed: argparse.Namespace, what: str) -> None:
    """Ask for confirmation unless ``--yes``. Raises ``CommandFailed`` if it is not given."""
    if parsed.yes:
        return
    if not sys.stdin.isatty():
        raise CommandFailed(f"{what}: say --yes", status=2)
    print(f"{what}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandFailed("nothing was done", status=1)


def _dotenv(path: Path = Path(".env")) -> dict[str, str]:
    """Return the ``NAME=value`` lines of ``.env``; quotes around values are removed."""
    if not path.is_file():
        return {}
    pairs = (
        line.partition("=")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "=" in line and not line.lstrip().startswith("#")
    )
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def _one_line(error: Exception) -> str:
    """Return ``key: message`` of each validation error, or the message of another exception."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return " ".join(str(error).split())
    texts = {".".join(map(str, each["loc"])): each["msg"] for each in errors()}
    return "; ".join(f"{key}: {text.removeprefix('Value error, ')}" for key, text in texts.items())
