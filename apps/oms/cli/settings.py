"""Settings for a command: its flags over the environment, ``.env``, the config file, defaults."""

import argparse
import os
from pathlib import Path

from oms.cli.output import Failed
from oms.config import Settings, load


def settings_of(parsed: argparse.Namespace) -> Settings:
    """The settings that hold for this command. Raises ``Failed`` naming what is wrong."""
    flags = {key: getattr(parsed, key, None) for key in ("host", "port")}
    try:
        return load(_dotenv() | dict(os.environ), flags)
    except (ValueError, OSError) as wrong:
        raise Failed(f"settings: {wrong}", status=2) from None


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
