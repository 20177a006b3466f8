"""Simulation of the paper exchange: pure steps over a frozen state with exact arithmetic.

``step.step(state, input, settings)`` is the entry point. There is no clock, random number, file or
float: the same inputs give the same state, byte by byte, on every machine.
"""
