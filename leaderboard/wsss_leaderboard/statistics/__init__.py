"""Estimates with intervals; plain arrays in, plain numbers out."""
