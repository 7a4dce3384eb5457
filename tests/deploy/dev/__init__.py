"""Tests of the embedded stack, on real parts."""
