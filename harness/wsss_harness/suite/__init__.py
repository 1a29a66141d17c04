"""Suites: what they say, the graph of stages that follows, and the plan of a run."""
