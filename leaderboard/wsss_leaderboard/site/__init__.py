"""The leaderboard as static pages: plain files that any host, or a disk, can show."""
