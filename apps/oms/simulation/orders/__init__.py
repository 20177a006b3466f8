"""Order lifecycle: entry, admission, execution, settlement, triggers and attached exits."""
