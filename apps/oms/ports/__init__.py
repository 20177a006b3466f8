"""Ports: protocols that services depend on, and the values that cross them."""
