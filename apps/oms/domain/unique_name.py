"""Which names count as the same: those that differ in what NFKC
and case folding make equal (case, width, ligatures), or in spaces around words, only.

Two users or strategies never have names of which one can be taken for the other; the rule does not
depend on the collation of a database.
"""

import hashlib
import unicodedata


def unique_name_key(name: str) -> str:
    """Return the value that is equal for names that count as the same: 64 hexadecimal digits."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    plain = " ".join(unicodedata.normalize("NFKC", folded).split())
    return hashlib.sha256(plain.encode()).hexdigest()
