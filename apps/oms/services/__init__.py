"""Use cases: one per module, a frozen dataclass of its ports with one ``__call__``."""
