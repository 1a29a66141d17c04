"""Submissions: write one row as a folder, check it, and measure or make the row again."""
