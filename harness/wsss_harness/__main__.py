"""python -m wsss_harness is the command wsss."""

from wsss_harness.cli import main

main()
