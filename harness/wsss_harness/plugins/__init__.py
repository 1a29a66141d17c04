"""How plugins are found, configured and scaffolded."""
