"""Running a suite: scheduler, jobs, executors, failures and status files."""
