"""Generates the table of order transitions in ``docs/domain/orders.md``.

After changing ``domain/orders/order.py`` run ``.venv/bin/python tools/generate_order_states.py``.
A test holds the page against the table.
"""

from pathlib import Path

from oms.domain.orders.order import TRANSITIONS, OrderState

PAGE = Path(__file__).parent.parent / "docs" / "domain" / "orders.md"
BEGIN, END = "<!-- generated from the table: begin -->", "<!-- generated from the table: end -->"


def table() -> str:
    """Returns the transitions as a Markdown table, one row per state and report."""
    lines = ["| state | report | becomes |", "|---|---|---|"]
    for (state, kind), target in TRANSITIONS.items():
        result = target.value if isinstance(target, OrderState) else f"*{target.value}*"
        lines.append(f"| {state.value} | {kind.value} | {result} |")
    return "\n".join(lines)


def update_page(page: str) -> str:
    """Returns ``page`` with a new table between the marks."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(update_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
