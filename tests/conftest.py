"""Tests run side by side, so each process of them and of what they start has one thread.

Commands make stages in the process of the test, except where a test asks for workers.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("WSSS_EXECUTOR", "inline")
