"""Which names count as the same: those equal after case folding and Unicode normalization (NFKC).

Case, width, ligatures and spaces around words make no difference. Two users or strategies never
have names of which one can be taken for the other; the rule does not depend on the collation of a
database.
"""

import hashlib
import unicodedata


def unique_name_key(name: str) -> str:
    """Return the value that is equal for names that count as the same: 64 hexadecimal digits."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    plain = " ".join(unicodedata.normalize("NFKC", folded).split())
    return hashlib.sha256(plain.encode()).hexdigest()
