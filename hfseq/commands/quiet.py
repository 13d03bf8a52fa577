"""Keeps the libraries' chatter off a command's screen."""


def quiet_libraries() -> None:
    """Turns off the progress bars of loading and saving weights, which take a blink. Downloads and tokenisation keep
    theirs."""
    from transformers.utils import logging

    logging.disable_progress_bar()
