"""Kept for its importers; the functions live in the chassis."""

from meshkit.db.recordset import insert_rows, to_json

__all__ = ["insert_rows", "to_json"]
