"""Reports of browsers about what the page's content security policy refused.

Anyone can send them: only known keys are read, what is kept of a URL has no query, and at most
``LOGGED_PER_MINUTE`` of them are logged. The others are counted.
"""

import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

LOGGED_PER_MINUTE = 10
_URL_CHARACTERS_MAX = 200

_DIRECTIVE = re.compile(r"[a-z][a-z-]{1,39}")
_KEYWORD = re.compile(r"[a-z][a-z-]{1,39}")
"""``inline``, ``eval`` and the like, in place of a blocked URL."""

_NOT_IN_URLS = re.compile(r"[^!-~]")
"""Browsers escape these; in a log they could begin another field or line, or steer a terminal."""

logger = logging.getLogger(__name__)


class CspReportLog:
    """Logs and counts the reports of one process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._minute = -1
        self._logged = 0

    def add(self, body: object, counts: Counter[str]) -> None:
        """Log a report, or only count it in ``counts``: as ``invalid`` or ``not_logged``."""
        fields = read_report(body)
        if fields is None:
            counts["invalid"] += 1
            return
        minute = int(self._now() // 60)
        if minute != self._minute:
            self._minute, self._logged = minute, 0
        if self._logged >= LOGGED_PER_MINUTE:
            counts["not_logged"] += 1
            return
        self._logged += 1
        counts["logged"] += 1
        logger.warning("csp_violation", extra=fields)


def read_report(body: object) -> dict[str, str] | None:
    """Return what is logged of the JSON value of a report; ``None`` if it is none."""
    report = body.get("csp-report") if isinstance(body, Mapping) else None
    if not isinstance(report, Mapping):
        return None
    directive = _text(report, "effective-directive") or _text(report, "violated-directive")
    directive = directive.partition(" ")[0]
    if not _DIRECTIVE.fullmatch(directive):
        return None
    fields = {
        "directive": directive,
        "blocked": _blocked(_text(report, "blocked-uri")),
        "page": _path(_text(report, "document-uri")),
        "source": _path(_text(report, "source-file")),
    }
    return {name: _NOT_IN_URLS.sub("?", text) for name, text in fields.items()}


def _text(report: Mapping[object, object], key: str) -> str:
    value = report.get(key)
    return value if isinstance(value, str) else ""


def _blocked(text: str) -> str:
    """Return the scheme and host of a URL, or the keyword that stands in its place."""
    if _KEYWORD.fullmatch(text):
        return text
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return ""
    if not host:
        return f"{parts.scheme}:"[:_URL_CHARACTERS_MAX] if parts.scheme else ""
    return f"{parts.scheme}://{host}"[:_URL_CHARACTERS_MAX]


def _path(text: str) -> str:
    """Return the path of a URL, without query and fragment."""
    try:
        return urlsplit(text).path[:_URL_CHARACTERS_MAX]
    except ValueError:
        return ""
