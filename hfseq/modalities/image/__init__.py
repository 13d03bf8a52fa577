"""Images as pixel values."""
