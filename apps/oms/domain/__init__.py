"""Domain rules of orders, deals, positions and accounts: immutable values and pure functions.

Nothing here awaits, reads a clock, draws random numbers, logs or does I/O.
"""
