"""Where the gateway of an example is: the environment, else the first ``make run``'s file."""

import json
import os
from pathlib import Path
from typing import Any

FIRST_RUN = Path("var/first-run.json")


def config() -> dict[str, Any]:
    """A ccxt config for a paper account."""
    told = json.loads(FIRST_RUN.read_text(encoding="utf-8")) if FIRST_RUN.exists() else {}
    return {
        "apiKey": os.environ.get("OMS_API_KEY") or told["api_key"],
        "accountId": os.environ.get("OMS_ACCOUNT_ID") or told["account_id"],
        "baseUrl": os.environ.get("OMS_BASE_URL") or told["base_url"],
    }
