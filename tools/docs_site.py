"""Hook of mkdocs: what differs between the pages of a checkout and those of the site."""

import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<path>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Replace links to files of the repository outside of ``docs`` by their paths.

    A link to a file that does not exist is left as it is: mkdocs reports it.
    """
    docs = Path(config["docs_dir"]).resolve()
    source = Path(page.file.abs_src_path)

    def replace(link: re.Match[str]) -> str:
        target = (source.parent / link["path"]).resolve()
        if target.is_relative_to(docs) or not target.exists():
            return link[0]
        return f"{link['text']} (`{target.relative_to(docs.parent)}`)"

    return _LINK.sub(replace, markdown)
