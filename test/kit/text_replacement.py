"""Replacements in the configurations of ``deploy``, which tests run on free ports."""

from collections.abc import Mapping


def replaced(text: str, replacements: Mapping[str, str]) -> str:
    """Return the text with each replacement; fails if one does not occur in it."""
    for old, new in replacements.items():
        assert old in text, f"{old!r} is not in the configuration"
        text = text.replace(old, new)
    return text
