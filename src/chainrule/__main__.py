"""``python -m chainrule`` is the command line."""

from chainrule.cli.main import run

if __name__ == "__main__":
    run()
