"""The command line: what runs suites and shows records."""
