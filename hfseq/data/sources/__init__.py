"""Loading of raw splits from files, folders, memory, the Hub, and built-in data sets."""
