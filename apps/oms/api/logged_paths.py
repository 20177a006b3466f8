"""Paths as they are logged: a token in a path is shown as the template of its route."""

import re

_TOKENS = (
    (re.compile(r"^/in/[^/]*"), "/in/{path_token}"),
    (re.compile(r"^/share/.*"), "/share/{share_token}"),
    (re.compile(r"^/signals/tradingview/.*"), "/signals/tradingview/{path_token}"),
)
SIGNAL_PATHS = re.compile(r"/in/.*|/signals/(bounce|trade|tradingview)(/.*)?")
"""Paths of signals: their senders are no users, and their idempotency keys are their sources'."""


def logged_path(path: str) -> str:
    """Return ``path`` without a path token."""
    for pattern, template in _TOKENS:
        path = pattern.sub(template, path)
    return path
