"""Rows and what they mean: one module a table, its columns and the two ways between them."""
