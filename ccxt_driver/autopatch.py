"""Makes programs written for ccxt trade through the gateway by patching ccxt.

``patch_ccxt`` patches now; ``python -m ccxt_driver.autopatch install|uninstall|status`` manages the
patch at every start of Python. Implemented in ``patching`` and ``sitecustomize_block``.
"""

import sys

from ccxt_driver.patching import apply_from_env, oms_exchange, patch_ccxt
from ccxt_driver.sitecustomize_block import install, main, status, uninstall

__all__ = ["apply_from_env", "install", "main", "oms_exchange", "patch_ccxt", "status", "uninstall"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
