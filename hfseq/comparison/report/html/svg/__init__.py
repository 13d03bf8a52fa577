"""Pictures as SVG: pure functions from plain data to strings."""
