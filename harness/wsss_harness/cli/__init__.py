"""The command line: a module for each group of commands, beside what it shows."""
