"""Reads for callers, narrowed to what their key may see."""
