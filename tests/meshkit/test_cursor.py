"""Keyset cursors."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshkit.cursor import Cursor, Page
from meshkit.errors import ValidationError


@dataclass
class Request:
    limit: int = 0
    cursor: str = ""


class TestPage:
    def test_defaults_to_25_and_caps_at_100(self) -> None:
        assert Page.of(Request()).limit == 25
        assert Page.of(Request(limit=500)).limit == 100

    @given(st.datetimes(timezones=st.just(UTC)), st.uuids())
    def test_reads_back_what_it_wrote(self, at: datetime, row_id: uuid.UUID) -> None:
        cursor = Cursor(at, row_id)

        assert Page.of(Request(cursor=cursor.encode())).after == cursor

    @given(st.text(max_size=100))
    def test_answers_garbage_with_the_field_it_is_in(self, text: str) -> None:
        if not text:
            return
        with pytest.raises(ValidationError) as refused:
            Page.of(Request(cursor=text))

        assert refused.value.violations[0].field == "cursor"

    def test_refuses_a_cursor_without_zone(self) -> None:
        naive = base64.urlsafe_b64encode(f"2026-01-01T00:00:00|{uuid.uuid4()}".encode()).decode()

        with pytest.raises(ValidationError):
            Page.of(Request(cursor=naive))

    def test_names_a_next_page_only_if_there_is_one(self) -> None:
        row = Cursor(datetime(2026, 1, 1, tzinfo=UTC), uuid.uuid4())
        page = Page(limit=2, after=None)

        assert page.cut([row, row], key=lambda item: item) == ([row, row], "")
        assert page.cut([row, row, row], key=lambda item: item) == ([row, row], row.encode())
