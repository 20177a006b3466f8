"""Logging to stderr: one event name with fields per line, secrets redacted.

Callers log an event with fields, as text or as ``extra``::

    logger.info("lease_lost account_id=%d", account_id)
    logger.error("request_failed", extra={"request_id": request_id})

Both become one line, ``event key=value``, or with the format ``json`` one JSON object. API
keys, login tokens, session texts, passwords in URLs, signatures and the secrets given to
``hide_secret`` are redacted in every record. Libraries log warnings and errors only; what looks
like a key is redacted there.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TextIO

#: Attributes of every record; others are fields of the call.
_RECORD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "color_message",
}
_EVENT = re.compile(r"([a-z][a-z0-9_]*)(?: (\w+=.*))?")
_FIELD = re.compile(r"(\w+)=(.*?)(?= \w+=|$)")
_KEY = re.compile(r"(?<![A-Za-z0-9])(oms|tok|ses)_[A-Za-z0-9_-]{16,}")
_PASSWORD = re.compile(r"(\w://[^\s:/@]*:)[^\s@]+(?=@)")
#: Parameters, headers and JSON fields whose value is a secret or a signature. A name is matched
#: from its beginning only, so that the time is linear in the length of a line.
_SECRET_FIELD = re.compile(
    r"""(?ix)
    (?<! [\w-] )
    (?P<name> [\w-]* (?: signature | api[-_]?key | access[-_](?:key|sign|token|passphrase)
        | secret | passphrase | password | authorization | cookie | listen_?key )
      | [\w-]* (?<![a-z]) (?: sign | sig | mac ) )
    (?P<gap> [\\"']* \s* [:=] \s* [\\"']* )
    (?! [\s\\"',&}\])] | (?:(?:oms|tok|ses)_)?\*\*\* | None\b | null\b )
    (?: (?:bearer|basic) \s+ )? [^\s\\"'&,;}\])]+
    """
)
#: Anything in a line of a library that may be a key or a signature: hex, base64, a JWT.
_LONG_WORD = re.compile(r"(?<![\w+/=.-])(?=[\w+/=.-]*\d)[A-Za-z0-9+/=_.-]{32,}")
#: Own loggers: all others belong to libraries.
_OWN = "oms"
#: Secrets of this process, longest first; shorter texts would redact ordinary words.
_SECRET_LENGTH_MIN = 6
_hidden_secrets: tuple[str, ...] = ()


def setup(level: str, form: str = "text") -> None:
    """Log everything of this process from ``level`` on to stderr, as text or as JSON lines."""
    handler = _Stderr(sys.stderr)
    handler.setFormatter(_JsonLines() if form == "json" else _PlainLines())
    root = logging.getLogger()
    root.handlers = [handler]
    logging.getLogger(_OWN).setLevel(level.upper())
    # Libraries log requests with their keys and signatures, and statements with their values.
    root.setLevel(max(logging.WARNING, logging.getLogger(_OWN).level))


def hide_secret(text: str) -> None:
    """Redact ``text`` in everything that this process logs from now on."""
    global _hidden_secrets
    if len(text) >= _SECRET_LENGTH_MIN and text not in _hidden_secrets:
        _hidden_secrets = tuple(sorted((*_hidden_secrets, text), key=len, reverse=True))


def redact_secrets(text: str) -> str:
    """Return ``text`` with secrets replaced by ``***``.

    Secrets are API keys, login tokens, passwords in URLs, fields named as a secret or a signature,
    and the texts of ``hide_secret``.
    """
    for secret in _hidden_secrets:
        text = text.replace(secret, "***")
    if "oms_" in text or "tok_" in text or "ses_" in text:
        text = _KEY.sub(r"\1_***", text)
    text = _SECRET_FIELD.sub(r"\g<name>\g<gap>***", text)
    return _PASSWORD.sub(r"\1***", text) if "://" in text else text


def _redact_line(line: str, logger_name: str) -> str:
    line = redact_secrets(line)
    is_own = logger_name == _OWN or logger_name.startswith(f"{_OWN}.")
    return line if is_own else _LONG_WORD.sub("***", line)


class _Stderr(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        """Say where a record was lost; logging itself would print its arguments."""
        with suppress(OSError, ValueError):
            self.stream.write(f"log_failed at={record.pathname}:{record.lineno}\n")


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
        return _redact_line(line, record.name)


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
        return _redact_line(json.dumps(entry, ensure_ascii=False, default=str), record.name)


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _RECORD_ATTRIBUTES}
