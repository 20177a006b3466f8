"""Strategies on stored candles: started, checked, drawn; what the API asks the runner for."""
