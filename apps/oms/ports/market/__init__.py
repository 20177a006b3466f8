"""Ports of markets."""
