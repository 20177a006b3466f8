"""Who starts and installs: the command line ``oms``."""
