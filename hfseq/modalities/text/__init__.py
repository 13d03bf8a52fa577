"""Text, and pairs of texts, as tokens."""
