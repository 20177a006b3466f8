"""An import hook: calls a function with a module as soon as the module has been imported.

With it a patch does not import a module that the program may never use.
"""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

ModuleCallback = Callable[[ModuleType], None]


def run_after_import(name: str, callback: ModuleCallback) -> None:
    """Calls ``callback`` with the module: now if it is loaded, else right after its import."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        callback(loaded)
    else:
        sys.meta_path.insert(0, _Finder(name, callback))


class _Finder(MetaPathFinder):
    """Wraps the loader of one module, once."""

    def __init__(self, name: str, callback: ModuleCallback) -> None:
        self._name = name
        self._callback = callback

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _CallbackLoader(spec.loader, self._callback)
        return spec


class _CallbackLoader(Loader):
    """Delegates to another loader, then calls the callback."""

    def __init__(self, loader: Loader, callback: ModuleCallback) -> None:
        self._loader = loader
        self._callback = callback

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader  # the module must not see the wrapper
        self._loader.exec_module(module)
        self._callback(module)
