"""Runs schemathesis against a gateway: its document is asked for, narrowed, and put to the test.

Narrowed means that ids are mostly those of things that are there and that waits are short: so a
minute's questions get past the first refusal. What is checked of answers stays as published.
"""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEED = 20260225
CHECKS = (
    *("never_500", "errors_have_envelope", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance"),
)
ValuesByName = Mapping[str, Sequence[object]]

_SHORT: ValuesByName = {
    "wait_ms": [0, 1, 200],
    "request_timeout_seconds": [1],
    "Prefer": ["wait=0", "respond-async", "wait=1, respond-async"],
}


@dataclass(frozen=True, slots=True)
class FuzzResult:
    """How a run ended, and which statuses each operation answered."""

    status: int
    output: str
    answers: Mapping[str, set[int]]


@dataclass(slots=True)
class FuzzRun:
    """One run, in a process of its own."""

    folder: Path
    process: "subprocess.Popen[str]"

    @classmethod
    def start(cls, folder: Path, url: str, key: str, document: Any, *, examples: int) -> "FuzzRun":
        """Begin to ask ``url`` with ``key`` what ``document`` says, which is narrowed before."""
        folder.mkdir(parents=True)
        (folder / "openapi.json").write_text(json.dumps(document))
        words = [
            *("run", "openapi.json", f"--url={url}", f"--header=x-api-key: {key}"),
            *(f"--seed={SEED}", "--generation-deterministic"),
            *(f"--max-examples={examples}", "--no-shrink", "--continue-on-failure", "--no-color"),
            *("--phases=examples,coverage,fuzzing", f"--checks={','.join(CHECKS)}"),
            *("--request-timeout=30", "--warnings=off", "--suppress-health-check=all"),
        ]
        (folder / "notes.txt").touch()
        root = Path(__file__).parent.parent.parent
        more = {
            "SCHEMATHESIS_HOOKS": "kit.http.schemathesis_checks",
            "PYTHONPATH": str(root),
            "OMS_FUZZ_NOTES": str(folder / "notes.txt"),
        }
        with (folder / "said.txt").open("w") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "schemathesis.cli", *words],
                cwd=folder,
                env={**os.environ, **more},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return cls(folder, process)

    def ended(self, seconds: float) -> FuzzResult:
        """Wait for the end; what came of it."""
        status = self.process.wait(seconds)
        answers: defaultdict[str, set[int]] = defaultdict(set)
        for line in (self.folder / "notes.txt").read_text(encoding="ascii").splitlines():
            name, _, told = line.partition(" ")
            answers[name].add(int(told))
        return FuzzResult(status, (self.folder / "said.txt").read_text(encoding="utf-8"), answers)

    def stop(self) -> None:
        """End it, where it has not ended."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def narrow_document(document: Any, asked_by: ValuesByName, carried: ValuesByName) -> Any:
    """``document`` with parameters (``asked_by``) and keys of bodies held to values, by name."""
    told = json.loads(json.dumps(document))
    schemas = told["components"]["schemas"]
    held = {**asked_by, **_SHORT}
    asked: set[str] = set()
    for methods in told["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter["name"] in held:
                    parameter["schema"] = _one_of(held[parameter["name"]])
            asked |= _named(operation.get("requestBody"), schemas)
    for name in asked:
        schemas[name] = _held(schemas[name], carried)
    return told


def _named(node: Any, schemas: Mapping[str, Any]) -> set[str]:
    """The shapes that ``node`` refers to, and those that they refer to."""
    found = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(node)))
    return found.union(*(_named(schemas[name], schemas) for name in found))


def _held(node: Any, known: ValuesByName) -> Any:
    if isinstance(node, list):
        return [_held(item, known) for item in node]
    if not isinstance(node, dict):
        return node
    told = {key: _held(value, known) for key, value in node.items()}
    for name, schema in told.get("properties", {}).items():
        if name in known:
            nulls = [None] if _takes_null(schema) else []
            told["properties"][name] = _one_of([*known[name], *nulls])
    return told


def _takes_null(schema: Any) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())


def _one_of(values: Sequence[object]) -> dict[str, Any]:
    return {"enum": list(values)}
