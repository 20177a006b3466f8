"""Generates docs/reference/http.md; with --record the printed responses of its pages as well.

python tools/generate_http_reference.py             # from docs/reference/http/*.md
python tools/generate_http_reference.py --record    # records all responses from a new gateway
"""

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test"))

from kit.gateway.processes import Gateway  # noqa: E402
from kit.http import http_pages  # noqa: E402


def record_page(name: str, folder: Path) -> str:
    """Returns the page with its printed responses replaced by those of a new gateway."""
    gateway = Gateway(folder, runner=name in http_pages.WITH_RUNNER)
    gateway.start()
    try:
        responses = http_pages.run_blocks(name, folder, gateway.environment)
    finally:
        gateway.stop()
    text = http_pages.page_text(name)
    for position, response in reversed(responses):
        block = _code_block(response)
        printed = http_pages.printed_answer(name, position)
        after = text[position:]
        if printed is not None:
            after = after.replace(f"\n\n```{printed[0]}\n{printed[1]}```", "", 1)
        text = text[:position] + block + after
    return text


def _code_block(response: str) -> str:
    """Returns the code block of JSON or metrics; nothing for other output of the shell."""
    if response.startswith("# HELP"):
        return f"\n\n```text\n{response}\n```"
    lines = response.splitlines()
    if not lines or not lines[-1].startswith("{"):
        return ""
    value = http_pages.shorten(json.loads(lines[-1]))
    return f"\n\n```json\n{http_pages.format_json(value)}\n```"


def main() -> None:
    """Writes the pages."""
    if "--record" in sys.argv:
        names = [name for name in sys.argv[1:] if name in http_pages.TITLES] or http_pages.TITLES
        for name in names:
            with tempfile.TemporaryDirectory() as folder:
                text = record_page(name, Path(folder))
            (http_pages.PAGES / f"{name}.md").write_text(text, encoding="utf-8")
    index = http_pages.INDEX
    index.write_text(http_pages.render_index(index.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
