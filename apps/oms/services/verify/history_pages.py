"""Iteration over the whole history of an account in pages."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from oms.ports.history_reads import HistoryQuery, Page, Row

PAGE_ROWS = 200


async def iterate_pages(
    account_id: int, read: Callable[[HistoryQuery], Awaitable[Page[Row]]]
) -> AsyncIterator[Sequence[Row]]:
    """Yield all rows of the account in pages, ascending by id."""
    after_id: int | None = 0
    while after_id is not None:
        page = await read(
            HistoryQuery(
                account_ids=(account_id,),
                page_size=PAGE_ROWS,
                after_id=after_id,
                with_total=False,
            )
        )
        after_id = page.next_after_id
        if page.items:
            yield page.items
