"""The command starts without the modules and signals that Windows lacks."""

import subprocess
import sys

HELP = """
import signal, sys

for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
for name in ("SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR2", "pthread_kill", "setitimer"):
    delattr(signal, name)

from wsss_leaderboard.cli.app import main

sys.argv = ["wsss", "--help"]
main()
"""


def test_help_needs_nothing_that_windows_lacks():
    done = subprocess.run(
        [sys.executable, "-c", HELP], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
