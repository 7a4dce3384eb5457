"""Keyset cursors."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmesh.finance.v1 import payout_service_pb2
from marketmesh.identity.v1 import admin_service_pb2
from meshkit.cursor import Cursor, Page
from meshkit.errors import ValidationError

Request = admin_service_pb2.ListPendingLicensesRequest
ROW = Cursor(datetime(2026, 1, 1, tzinfo=UTC), uuid.UUID(int=7))


def following(request: Request) -> str:
    """Return the cursor of the next page of a list."""
    page = Page.of(request, limit=1)
    return page.cut([ROW, ROW], key=lambda row: row)[1]


class TestPage:
    def test_defaults_to_25_and_caps_at_100(self) -> None:
        assert Page.of(Request()).limit == 25
        assert Page.of(Request(limit=500)).limit == 100

    @given(st.datetimes(timezones=st.just(UTC)), st.uuids())
    def test_reads_back_what_it_wrote(self, at: datetime, row_id: uuid.UUID) -> None:
        cursor = Cursor(at, row_id)

        assert Page.of(Request(cursor=cursor.encode(Page.of(Request()).scope))).after == cursor

    @given(st.text(max_size=100))
    def test_answers_garbage_with_the_field_it_is_in(self, text: str) -> None:
        if not text:
            return
        with pytest.raises(ValidationError) as refused:
            Page.of(Request(cursor=text))

        assert refused.value.violations[0].field == "cursor"

    @pytest.mark.parametrize(
        "at", ["2026-01-01T00:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "nan"]
    )
    def test_refuses_what_is_no_instant(self, at: str) -> None:
        text = f"{at}|{uuid.uuid4()}|{Page.of(Request()).scope}"

        with pytest.raises(ValidationError):
            Page.of(Request(cursor=base64.urlsafe_b64encode(text.encode()).decode()))

    def test_goes_on_with_another_limit(self) -> None:
        assert Page.of(Request(cursor=following(Request(state="OK")), state="OK", limit=3)).after == ROW

    def test_refuses_a_cursor_of_other_filters(self) -> None:
        with pytest.raises(ValidationError):
            Page.of(Request(cursor=following(Request(state="OK")), state="TX"))

    def test_refuses_a_cursor_of_another_list(self) -> None:
        with pytest.raises(ValidationError):
            Page.of(payout_service_pb2.ListPayoutsRequest(cursor=following(Request())))

    def test_names_a_next_page_only_if_there_is_one(self) -> None:
        page = Page(limit=2, after=None)

        assert page.cut([ROW, ROW], key=lambda item: item) == ([ROW, ROW], "")
        assert page.cut([ROW, ROW, ROW], key=lambda item: item) == ([ROW, ROW], ROW.encode(""))
