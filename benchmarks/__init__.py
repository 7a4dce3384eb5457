"""Workloads against the whole mesh, with their committed results."""
