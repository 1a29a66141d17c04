"""Accepted records: their chain, what was verified of them, and releases."""
