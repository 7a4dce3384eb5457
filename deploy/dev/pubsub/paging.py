"""Pages of the list calls: sorted by name, the token being the last name of the page before."""

from collections.abc import Iterable
from typing import NamedTuple

PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_MAX = 1_000


class Page(NamedTuple):
    """The names on this page and the token of the next, empty on the last."""

    names: list[str]
    next_page_token: str


def page_of(*, all_names: Iterable[str], page_size: int, page_token: str) -> Page:
    """Return the names after `page_token`, at most `page_size` or the default if not positive."""
    size = min(page_size, PAGE_SIZE_MAX) if page_size > 0 else PAGE_SIZE_DEFAULT
    rest = sorted(name for name in all_names if name > page_token)
    page = rest[:size]
    return Page(names=page, next_page_token=page[-1] if len(rest) > size else "")
