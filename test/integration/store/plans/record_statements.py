"""Records the statements that the gateway sends while its tests run, for ``test_statement_plans``.

    STATEMENT_RECORDS=/tmp/statements \\
        PYTHONPATH=test/kit/statements/hook .venv/bin/pytest -n 2 test/integration test/e2e
    .venv/bin/python test/integration/store/plans/record_statements.py /tmp/statements

Statements that are recorded already stay, unless ``--replace`` is given.
"""

import json
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("statements.jsonl")


def main(arguments: list[str]) -> int:
    """Merge the records of a folder into the file beside this one; returns the exit status."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    from kit.statements.canonical import statement_key

    merged: dict[str, dict[str, Any]] = {}
    known = [] if "--replace" in arguments or not FILE.exists() else _lines(FILE)
    for line in known:
        merged[statement_key(line["text"]) or ""] = line
    for path in sorted(Path(arguments[0]).glob("*.jsonl")):
        for line in _lines(path):
            kept = merged.setdefault(
                statement_key(line["text"]) or "",
                {"senders": [], "text": line["text"], "values": line["values"]},
            )
            if line["sender"] not in kept["senders"]:
                kept["senders"] = sorted([*kept["senders"], line["sender"]])
            if len(line["text"]) < len(kept["text"]):
                kept["text"], kept["values"] = line["text"], line["values"]
    lines = sorted(merged.values(), key=lambda line: (line["senders"], line["text"]))
    FILE.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    print(f"{len(lines)} statements, {len(lines) - len(known)} new")
    return 0


def _lines(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    # A process that was killed may have left half a line.
    return [json.loads(line) for line in lines if line.endswith("}")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
