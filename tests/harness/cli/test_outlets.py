"""What a reader of standard output no longer hears."""

import io
import os
import subprocess
import sys

from wsss_harness.cli.outlets import Unheard


def test_a_pipe_whose_reader_has_left_takes_all_and_keeps_none():
    reading, writing = os.pipe()
    outlet = io.TextIOWrapper(io.BufferedWriter(Unheard(writing, "w")), line_buffering=True)
    print("heard", file=outlet)
    assert os.read(reading, 100) == b"heard\n"
    os.close(reading)
    for _ in range(3):
        print("unheard", file=outlet)
    outlet.close()


def test_a_command_outlives_the_reader_of_its_output():
    reading, writing = os.pipe()
    os.close(reading)
    code = """
import sys
from wsss_harness.cli.outlets import survive_broken_pipes
survive_broken_pipes()
print("text")
print("more", file=sys.stderr)
sys.exit(7)
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=writing, check=False)
    os.close(writing)
    assert done.returncode == 7
