"""Turns off output of libraries that is not useful in a command."""


def quiet_libraries() -> None:
    """Turns off the progress bars of loading and saving weights, which take less than a second. Those of downloads and
    tokenisation stay."""
    from transformers.utils import logging

    logging.disable_progress_bar()
