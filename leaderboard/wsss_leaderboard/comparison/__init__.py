"""How two rows, or a row and a publication, differ."""
