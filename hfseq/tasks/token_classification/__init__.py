"""Token classification: one tag for each word of a sentence."""
