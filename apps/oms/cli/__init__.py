"""The command line ``oms``: installation, processes, checks and client commands."""
