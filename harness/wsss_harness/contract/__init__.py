"""What plugins and the harness agree on: data types, hooks, supervision, errors, findings."""
