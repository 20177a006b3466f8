"""What is done: one use case a file, a frozen dataclass of its ports with one ``__call__``."""
