"""Pytest plugin: workers divide the compilation of a new clone.

Without byte code each worker of pytest-xdist would compile every module of the product, and rewrite
the assertions of every test file, at the same time as all others. So each worker first compiles
its share; then all of them load what was compiled.
"""

import compileall
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from _pytest.assertion import rewrite

ROOT = Path(__file__).resolve().parents[2]
#: What is imported as it is; of the others the assertions are rewritten.
_IMPORTED = ("apps/oms", "ccxt_driver", "mt5_driver", "test/kit", "tools/loopback")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the share of this worker."""
    worker = getattr(session.config, "workerinput", None)
    if worker is not None and not sys.dont_write_bytecode:
        share = slice(int(worker["workerid"].removeprefix("gw")), None, worker["workercount"])
        imported = [path for folder in _IMPORTED for path in sorted((ROOT / folder).rglob("*.py"))]
        for path in imported[share]:
            compileall.compile_file(path, quiet=2)
        rewrite_assertions(sorted((ROOT / "test").rglob("test_*.py"))[share], session.config)


def rewrite_assertions(paths: Sequence[Path], config: pytest.Config) -> None:
    """Write the byte code that pytest's import hook reads, where it is missing or old."""
    for path in paths:
        folder = rewrite.get_cache_dir(path)
        rewritten = folder / (path.stem + rewrite.PYC_TAIL)
        if rewrite._read_pyc(path, rewritten) is None and rewrite.try_makedirs(folder):
            source_hash, code = rewrite._rewrite_test(path, config)
            state = config.stash[rewrite.assertstate_key]
            rewrite._write_pyc(state, code, source_hash, rewritten)
