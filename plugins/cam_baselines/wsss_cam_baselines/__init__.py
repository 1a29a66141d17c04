"""Class activation maps and their kin."""
