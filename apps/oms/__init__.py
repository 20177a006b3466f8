"""oms-gateway: the order management system between strategies and exchange accounts."""

__version__ = "0.1.0"
