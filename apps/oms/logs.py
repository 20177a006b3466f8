"""Logging to stderr: one event name with fields per line, secrets redacted.

Callers log an event with fields, as text or as ``extra``::

    logger.info("lease_lost account_id=%d", account_id)
    logger.error("request_failed", extra={"request_id": request_id})

Both become one line, ``event key=value``, or with ``OMS_LOG_FORMAT=json`` one JSON object. API
keys, login tokens and passwords in URLs are redacted in every record.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

#: Attributes of every record; others are fields of the call.
_RECORD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "color_message",
}
_EVENT = re.compile(r"([a-z][a-z0-9_]*)(?: (\w+=.*))?")
_FIELD = re.compile(r"(\w+)=(.*?)(?= \w+=|$)")
_KEY = re.compile(r"(?<![A-Za-z0-9])(oms|tok)_[A-Za-z0-9_-]{16,}")
_PASSWORD = re.compile(r"(\w://[^\s:/@]*:)[^\s@]+(?=@)")
_QUIET = ("alembic", "asyncio", "uvicorn")


def setup(level: str) -> None:
    """Log everything of this process from ``level`` on to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    is_json = os.environ.get("OMS_LOG_FORMAT") == "json"
    handler.setFormatter(_JsonLines() if is_json else _PlainLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in _QUIET:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def redact_secrets(text: str) -> str:
    """Return ``text`` with API keys, login tokens and passwords of URLs replaced by ``***``."""
    if "oms_" in text or "tok_" in text:
        text = _KEY.sub(r"\1_***", text)
    return _PASSWORD.sub(r"\1***", text) if "://" in text else text


class _PlainLines(logging.Formatter):
    """``time LEVEL [pid] logger event key=value``; a traceback follows on its own lines."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = (
            f"{at} {record.levelname} [{record.process}] {record.name}"
            f" {record.getMessage()}{fields}"
        )
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return redact_secrets(line)


class _JsonLines(logging.Formatter):
    """One JSON object per line; ``event`` if the message begins with an event name."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "pid": record.process,
        }
        if match := _EVENT.fullmatch(message):
            entry["event"] = match[1]
            entry |= dict(_FIELD.findall(match[2] or ""))
        else:
            entry["message"] = message
        entry |= _fields(record)
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return redact_secrets(json.dumps(entry, ensure_ascii=False, default=str))


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _RECORD_ATTRIBUTES}
