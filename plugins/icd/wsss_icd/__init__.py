"""The generator ICD."""
