"""Tests of our own Pub/Sub server."""
