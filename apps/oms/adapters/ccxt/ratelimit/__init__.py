"""Rate limits: buckets, shared budgets, request throttling by priority."""
