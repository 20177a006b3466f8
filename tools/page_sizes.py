"""The size budget of the built page: gzip bytes of scripts and styles, as a browser loads them."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KB = 1000
FIRST_LOAD_MAX = 230 * KB
"""The script of the page and every script that it imports at once."""
LAZY_ROUTE_MAX = 80 * KB
"""What a route that is loaded on demand adds to that."""
STYLES_MAX = 20 * KB
"""All styles."""

Manifest = Mapping[str, Any]


def measure(folder: Path, manifest: Manifest) -> dict[str, int]:
    """Return the gzip bytes of the first load, of each lazy route, and of all styles."""
    (entry,) = (name for name, chunk in manifest.items() if chunk.get("isEntry"))
    first = _imported(entry, manifest)
    sizes = {"first load": _bytes(folder, {manifest[name]["file"] for name in first})}
    for name, chunk in sorted(manifest.items()):
        if chunk.get("isDynamicEntry"):
            more = _imported(name, manifest) - first
            sizes[f"route {name}"] = _bytes(folder, {manifest[one]["file"] for one in more})
    styles = {style for chunk in manifest.values() for style in chunk.get("css", ())}
    sizes["styles"] = _bytes(folder, styles)
    return sizes


def exceeded(sizes: Mapping[str, int]) -> list[str]:
    """Return one sentence for each size that is over its limit."""
    return [
        f"{name}: {size / KB:.1f} kB gz, the limit is {limit(name) / KB:.0f} kB"
        for name, size in sizes.items()
        if size > limit(name)
    ]


def limit(name: str) -> int:
    """Return the limit of a size."""
    return {"first load": FIRST_LOAD_MAX, "styles": STYLES_MAX}.get(name, LAZY_ROUTE_MAX)


def _imported(name: str, manifest: Manifest) -> set[str]:
    """Return a chunk and all that it imports statically."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(manifest[one].get("imports", ()))
    return found


def _bytes(folder: Path, names: set[str]) -> int:
    return sum(len(gzip.compress((folder / name).read_bytes(), 9)) for name in sorted(names))
