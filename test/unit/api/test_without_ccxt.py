"""Row 1, second half: the API process does not import ccxt."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, sys
from pathlib import Path
from oms import bootstrap
from oms.config import Settings

settings = Settings(home=Path(sys.argv[1]))

async def serve():
    await bootstrap.migrate(settings)
    app = await bootstrap.build_api(settings)
    async with app.router.lifespan_context(app):
        return sorted(name for name in sys.modules if name.partition(".")[0] == "ccxt")

print(asyncio.run(serve()))
"""


def test_api_process_does_not_import_ccxt(tmp_path: Path) -> None:
    words = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
