"""The compiled CPU recurrence and its loader; optional at run time."""
