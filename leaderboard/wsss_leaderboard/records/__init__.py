"""Records of results: their format, how they are collected, and published figures."""
