"""Doing something to a module once it has been imported, whenever that will be.

So that a patch does not import what a program may never use.
"""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

ModuleCallback = Callable[[ModuleType], None]


def run_after_import(name: str, step: ModuleCallback) -> None:
    """Call ``step`` with the module: now if it is loaded, else as soon as it is."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        step(loaded)
    else:
        sys.meta_path.insert(0, _Finder(name, step))


class _Finder(MetaPathFinder):
    """Finds one module as everybody else would, once, and has its loader followed."""

    def __init__(self, name: str, step: ModuleCallback) -> None:
        self._name = name
        self._step = step

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Followed(spec.loader, self._step)
        return spec


class _Followed(Loader):
    """A loader, and what is done after it."""

    def __init__(self, loader: Loader, step: ModuleCallback) -> None:
        self._loader = loader
        self._step = step

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader  # the module's own view stays as it would be
        self._loader.exec_module(module)
        self._step(module)
