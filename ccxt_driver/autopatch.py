"""Programs written for ccxt trade through the gateway: patch ccxt now, or at every start of Python.

``python -m ccxt_driver.autopatch install|uninstall|status``. What happens stands in ``patching``
and ``start_file``.
"""

import sys

from ccxt_driver.patching import apply_from_env, oms_exchange, patch_ccxt
from ccxt_driver.sitecustomize_block import install, main, status, uninstall

__all__ = ["apply_from_env", "install", "main", "oms_exchange", "patch_ccxt", "status", "uninstall"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
