"""The gateway of the examples: from the environment, else from the file of ``make run``."""

import json
import os
from pathlib import Path
from typing import Any

FIRST_RUN = Path("var/first-run.json")


def config() -> dict[str, Any]:
    """Returns a ccxt config for a paper account."""
    first_run = json.loads(FIRST_RUN.read_text(encoding="utf-8")) if FIRST_RUN.exists() else {}
    return {
        "apiKey": os.environ.get("OMS_API_KEY") or first_run["api_key"],
        "accountId": os.environ.get("OMS_ACCOUNT_ID") or first_run["account_id"],
        "baseUrl": os.environ.get("OMS_BASE_URL") or first_run["base_url"],
    }
