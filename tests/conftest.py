"""Tests run side by side, so each process of them and of what they start has one thread."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
