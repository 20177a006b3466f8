"""What is true: orders, deals, positions and the rules between them. Pure values and functions.

Nothing in here awaits, reads a clock, draws a random number, logs or speaks to the world.
"""
