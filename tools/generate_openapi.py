"""Writes the OpenAPI document without a server, as the typed client of the web desk needs it.

    python tools/generate_openapi.py FILE

Where a request takes a decimal as text or as a number, the document has the text only: a number of
a browser is a float. Everything else is what ``GET /openapi.json`` returns. Prints the SHA-256 of
the file.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from oms import __version__
from oms.api.app import served_routes
from oms.api.openapi.document import build_document

_CHOICES = ("anyOf", "oneOf")


def client_document() -> dict[str, Any]:
    """Return the document for the typed client."""
    document: dict[str, Any] = with_text_decimals(build_document(__version__, served_routes()))
    return document


def with_text_decimals(schema: Any) -> Any:
    """Return a schema without the choice of a number where text is taken as well."""
    if isinstance(schema, list):
        return [with_text_decimals(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: with_text_decimals(one) for key, one in schema.items()}
    kinds = result.get("type")
    if isinstance(kinds, list) and {"string", "number"} <= set(kinds):
        kept = [kind for kind in kinds if kind != "number"]
        result["type"] = kept[0] if len(kept) == 1 else kept
    for word in _CHOICES:
        choices = result.get(word)
        if isinstance(choices, list) and {"string", "number"} <= set(map(_kind, choices)):
            kept = [one for one in choices if _kind(one) != "number"]
            result[word] = kept
            if len(kept) == 1:
                del result[word]
                result |= kept[0]
    return result


def _kind(schema: Any) -> str | None:
    kind = schema.get("type") if isinstance(schema, dict) else None
    return kind if isinstance(kind, str) else None


def document_text() -> bytes:
    """Return the text of the document; the same for the same routes."""
    return f"{json.dumps(client_document(), indent=1, sort_keys=True)}\n".encode()


if __name__ == "__main__":
    TEXT = document_text()
    Path(sys.argv[1]).write_bytes(TEXT)
    print(hashlib.sha256(TEXT).hexdigest())
