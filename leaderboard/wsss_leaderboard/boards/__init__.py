"""Boards: accepted records with their chain, verifications and releases."""
