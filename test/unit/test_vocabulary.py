"""The vocabulary: words that were used for other things before are banned, in names and in prose.

The glossary (``docs/glossary.md``) holds the terms to use. A banned word is metaphorical or has an
exact term of the field: ``told`` was payload, response or event, ``wish`` a command, and so on.
"""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("apps", "ccxt_driver", "mt5_driver", "test", "tools", "docs", "examples", ".ci")
FILES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "pyproject.toml")
SUFFIXES = frozenset(
    {".py", ".ts", ".tsx", ".md", ".lua", ".sql", ".toml", ".yml", ".txt", ".json", ".jsonl"}
)
NOT_OURS = frozenset(
    {"__pycache__", "node_modules", "dist", "venues.json", "schema.ts", Path(__file__).name}
)
BUILT_PAGE = ROOT / "apps/oms/web"

_WORDS = """
wish wishes wished told untold tale tales heard unheard hear hears hearing tell tells telling
furnish furnished furnishes door doors doorbell bell bells desk desks stranger strangers
crowd crowds ear ears chore chores weather stroke strokes strike strikes struck turnstile
tally tallies tallied picture pictures office offices lent lend lender lending abreast anew
afresh forsake forsaken sheet sheets sweeping swept news trouble troubles lane
lanes pace paces whoever somebody everybody nobody shelf house houses rung rings unfold
unfolded refold refolded unrolled hurry hurried eased stir stirred stirs mend mended mends
mending fell whither takings rooms
"""
#: Parts of identifiers (``heard_at``, ``AccountDesk``) and words of prose, in lower case.
BANNED_WORDS = frozenset(_WORDS.split())
#: Idioms that an exact verb replaces.
BANNED_PHRASES = re.compile(
    r"\b(?:in|at|by) hand\b|\bcarr(?:y|ies|ied|ying) out\b|\bcome to pass\b"
    r"|\btak(?:en|es|ing) down\b|\bthe exchange's word\b|\bwho asks?\b"
    r"|\b(?:account's|its|new|whole) homes?\b",
    re.IGNORECASE,
)
#: Contract names on the wire that contain a banned word, as they are quoted in code and pages.
CONTRACT = re.compile(
    r"\boption_strike\b|"
    r"positions_refolded|\bdesk\.(?:price|equity|report|limit|audit)_\w+|OMS_DESK_\w+|\bdesk: Desk|"
    r"\bDeskSettings\b|\"desk\"|settings\.desk\.|"
    r"[\"'`.](?:prices_)?trouble\b|\b(?:prices_)?trouble[=:]|[\"'`.]told\b"
    r"|[\"'`.]heard\b|[\"'`.]strike\b|[\"'`.]nobody\b|[\"'`.]evidence\b",
)
#: Where a banned word has its literal meaning.
LITERAL = re.compile(
    r"web.?desk|trad(?:e|ing).?desk|spreadsheet|housekeep|\bfell back\b"
    r"|\bstroke(?:\w*=|:|-|Style|\(\))",
    re.I,
)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def _texts() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            is_ours = not set(path.parts) & NOT_OURS and BUILT_PAGE not in path.parents
            if path.suffix in SUFFIXES and is_ours and path.is_file():
                yield path
    yield from (ROOT / name for name in FILES)


def _banned(line: str) -> set[str]:
    text = LITERAL.sub(" ", CONTRACT.sub(" ", line))
    words = {word.lower() for word in WORD.findall(text)} & BANNED_WORDS
    return words | {match.group(0) for match in BANNED_PHRASES.finditer(text)}


def test_no_banned_word_in_names_or_prose() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {sorted(words)}"
        for path in _texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (words := _banned(line))
    ]
    assert found == []


def test_no_banned_word_in_file_names() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if not set(path.parts) & NOT_OURS and _banned(path.relative_to(ROOT).as_posix())
    ]
    assert found == []


def test_the_rule_detects_words_in_identifiers_and_prose() -> None:
    assert _banned("self.heard_at = now") == {"heard"}
    assert _banned("class AccountDesk:") == {"desk"}
    assert _banned("# the order is carried out") == {"carried out"}
    assert _banned("the web desk keeps housekeeping away from positions_refolded") == set()
    assert _banned("a scoreboard of string instruments") == set()
