"""``python -m chainrule`` is the command line."""

import sys

from chainrule.cli.main import run

if __name__ == "__main__":
    sys.exit(run())
