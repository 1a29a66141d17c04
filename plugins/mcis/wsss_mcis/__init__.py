"""The generator MCIS."""
