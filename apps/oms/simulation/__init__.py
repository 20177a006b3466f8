"""The paper exchange's engine: pure steps over a frozen memory, exact to the last digit.

``step(memory, input, settings)`` is all there is: no clock, no random number, no file, no float.
The same inputs give the same memory, byte by byte, on every machine.
"""
