"""Risk checks before an order is sent: admission and kill switches."""
