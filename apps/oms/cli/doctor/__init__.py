"""``oms doctor``: checks of an installation, and of the address that callers use."""
