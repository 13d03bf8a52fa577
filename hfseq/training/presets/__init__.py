"""What a model's name stands for in each task, and how each family is trained unless one says otherwise."""
