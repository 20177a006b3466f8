"""Rows of figures: marked positions, portfolios, statistics, equity."""
