"""Images and slices drawn by rules, for who has no data at hand."""
