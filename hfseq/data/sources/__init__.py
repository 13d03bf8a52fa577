"""Data sets from files, folders, memory, the Hub, and `builtin:` names, as raw splits."""
