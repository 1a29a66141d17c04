"""The command line: a module for each group of commands, which holds what it prints as well."""
