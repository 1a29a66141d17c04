"""python -m wsss_harness is the command `wsss`, wherever that is announced."""

from importlib.metadata import entry_points

(command,) = entry_points(group="console_scripts", name="wsss")
command.load()()
