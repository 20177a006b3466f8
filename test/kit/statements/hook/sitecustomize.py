"""Records the statements of ``oms`` processes whose PYTHONPATH begins with this folder."""

import sys
from pathlib import Path

if "oms" in sys.orig_argv or any(each.endswith("/oms") for each in sys.orig_argv):
    sys.path.append(str(Path(__file__).resolve().parents[3]))
    from kit.statements.recorder import pytest_configure

    pytest_configure()
