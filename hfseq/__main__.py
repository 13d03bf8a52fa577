"""`python -m hfseq` is the command `hfseq`."""

import sys

from hfseq.commands import main

sys.exit(main())
