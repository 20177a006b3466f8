"""Conversion between rows and domain values, with the columns and writes of each table."""
