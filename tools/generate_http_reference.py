"""Draw what the pages about HTTP hold of the code: the list of routes, and with --record answers.

python tools/generate_http_reference.py            # docs/reference/http.md from its parts
python tools/generate_http_reference.py --record   # all printed answers again, from own gateways
"""

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test"))

from kit.gateway.processes import Gateway  # noqa: E402
from kit.http import http_pages  # noqa: E402


def recorded(name: str, folder: Path) -> str:
    """The page with the answers of a fresh gateway in the place of those that it has."""
    gateway = Gateway(folder)
    gateway.start()
    try:
        told = http_pages.run_blocks(name, folder, gateway.environment)
    finally:
        gateway.stop()
    text = http_pages.page_text(name)
    for place, said in reversed(told):
        answer = _block(said)
        printed = http_pages.printed_answer(name, place)
        after = text[place:]
        if printed is not None:
            after = after.replace(f"\n\n```{printed[0]}\n{printed[1]}```", "", 1)
        text = text[:place] + answer + after
    return text


def _block(said: str) -> str:
    """The block of an answer: JSON, or the metrics; nothing for words of a shell."""
    if said.startswith("# HELP"):
        return f"\n\n```text\n{said}\n```"
    lines = said.splitlines()
    if not lines or not lines[-1].startswith("{"):
        return ""
    value = http_pages.shorten(json.loads(lines[-1]))
    return f"\n\n```json\n{http_pages.format_json(value)}\n```"


def main() -> None:
    """Redraw."""
    if "--record" in sys.argv:
        names = [word for word in sys.argv[1:] if word in http_pages.TITLES] or http_pages.TITLES
        for name in names:
            with tempfile.TemporaryDirectory() as folder:
                text = recorded(name, Path(folder))
            (http_pages.PAGES / f"{name}.md").write_text(text, encoding="utf-8")
    index = http_pages.INDEX
    index.write_text(http_pages.render_index(index.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
