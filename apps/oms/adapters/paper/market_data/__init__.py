"""Price sources of a paper account: random walk, manual prices, tapes and live prices."""
