"""A row as a folder that others can check, and the tiers in which they verify it."""
