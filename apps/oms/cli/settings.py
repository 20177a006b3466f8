"""Settings for a command: its flags over the environment, ``.env``, the config file, defaults.

Secrets come by flag, from a file, from stdin, from the environment, or from a hidden prompt.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from oms.cli.output import Failed

if TYPE_CHECKING:
    from oms.config import Settings


def settings_of(parsed: argparse.Namespace) -> "Settings":
    """The settings that hold for this command. Raises ``Failed`` naming what is wrong."""
    from oms.config import load

    flags = {key: getattr(parsed, key, None) for key in ("host", "port")}
    try:
        return load(environment(), flags)
    except (ValueError, OSError) as wrong:
        raise Failed(f"settings: {_one_line(wrong)}", status=2) from None


def environment() -> Mapping[str, str]:
    """The environment over ``.env`` of the working folder."""
    return _dotenv() | dict(os.environ)


def key_text(parsed: argparse.Namespace) -> str | None:
    """The API key that a flag, a file or stdin tells; ``None`` where none of them is used."""
    if parsed.api_key_file is not None:
        try:
            return Path(parsed.api_key_file).read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise Failed(f"--api-key-file: {problem}", status=2) from None
    if parsed.api_key_stdin:
        return sys.stdin.readline().strip()
    text: str | None = parsed.api_key
    return text


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
