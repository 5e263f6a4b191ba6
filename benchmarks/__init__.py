"""Speed and memory that the project promises, as ratios to the plain way."""
