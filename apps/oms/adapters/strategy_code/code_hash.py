"""Hashes of the source of strategies: the same hash, the same rule.

Comments, docstrings and the layout of the source do not change it.
"""

import ast
import hashlib
import inspect
from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module

from oms.strategies import crossing, indicators, signal_rule

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_SHARED = (crossing, indicators, signal_rule)


@lru_cache
def hash_built_in(name: str) -> str:
    """Return the hash of a built-in strategy: of its rule and of the indicators."""
    rule = import_module(f"oms.strategies.rules.{name}")
    return hash_source(inspect.getsource(module) for module in (rule, *_SHARED))


def hash_source(texts: Iterable[str]) -> str:
    """Return the SHA-256 of Python source. Raises ``SyntaxError``."""
    digest = hashlib.sha256()
    for text in texts:
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, _DOCUMENTED):
                _remove_docstring(node)
        digest.update(ast.unparse(tree).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _remove_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    if ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:] or [ast.Pass()]
