"""Alignment, the decompositions under it, and linear probes, on arrays of any kind."""
