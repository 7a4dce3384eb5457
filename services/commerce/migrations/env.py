"""Alembic's entry; everything is in meshkit."""

from meshkit.db.migrate import run_env

run_env()
