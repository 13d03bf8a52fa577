"""The measuring process, `python -m hfseq.comparison.costs`: it does what its parent asks for.

Requests are pickled pairs of a method of [`Worker`] and its arguments, on standard input; replies are lines of JSON on
standard output. It ends when standard input is closed, also because the parent has ended.
"""

import json
import os
import pickle
import sys

from hfseq.comparison.costs.worker import Worker
from hfseq.errors import HfseqError


def main() -> int:
    """Serves requests until standard input is closed."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not come between the replies
    worker = Worker()
    while True:
        try:
            name, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return 0
        try:
            reply = {"value": getattr(worker, name)(**arguments)}
        except Exception as error:
            text = str(error) if isinstance(error, HfseqError) else f"{type(error).__name__}: {error}"
            reply = {"error": text}
        try:
            replies.write(json.dumps(reply) + "\n")
            replies.flush()
        except BrokenPipeError:
            return 0


if __name__ == "__main__":
    sys.exit(main())
