"""Logging on stderr: an event name and its fields, one line each; never a secret.

Callers write ``logger.info("lease_lost account_id=%d", account_id)``. With
``OMS_LOG_FORMAT=json`` each line is a JSON object.
"""

import json
import logging
import os
import sys
from datetime import UTC, datetime


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def setup(level: str) -> None:
    """Send all logging of this process to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    if os.environ.get("OMS_LOG_FORMAT") == "json":
        handler.setFormatter(_JsonLines())
    else:
        form = f"%(asctime)s %(levelname)s [{os.getpid()}] %(name)s %(message)s"
        handler.setFormatter(logging.Formatter(form))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("alembic", "asyncio", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
