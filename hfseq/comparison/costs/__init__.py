"""Costs of the models of a comparison: measured in fresh processes, kept, and priced.

Modules: `attach` adds the costs to a comparison; `measurement` says what is measured when; `process` and `worker` are
the two sides of a measuring process, whose loop is `__main__`; `flops` counts operations; `saved` keeps what was
measured; `price` turns time into money.
"""
