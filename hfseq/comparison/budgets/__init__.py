"""Fair budgets: the same number of tuning trials, sizes that match, the same splits, and learning curves."""
