"""Which exchanges accounts may be of: named without importing them, which would take seconds."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def exchange_ids() -> tuple[str, ...]:
    """``ccxt.*``, ``ccxtpro.*`` and ``paper.*`` of every exchange that is installed, sorted."""
    spec = find_spec("ccxt")
    assert spec is not None, "ccxt is installed"
    assert spec.origin is not None, "ccxt is a package of files"
    folder = Path(spec.origin).parent
    rest, stream = _modules(folder), _modules(folder / "pro")
    named = [f"ccxt.{name}" for name in rest] + [f"paper.{name}" for name in rest]
    return tuple(sorted([*named, *(f"ccxtpro.{name}" for name in stream)]))


def _modules(folder: Path) -> list[str]:
    return [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
