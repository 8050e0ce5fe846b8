"""``chainrule``, from the first moment to the exit status."""

from __future__ import annotations


def run() -> int:
    """Run the command in ``sys.argv`` and return the exit status; the entry point of the script.

    Ctrl-C gets through while a command runs. Before that it waits, and after that it changes nothing any more.
    """
    # Imported here, so that somebody is home for Ctrl-C as early as can be.
    from chainrule.cli import interrupts

    holding = interrupts.hold()
    try:
        return _run()
    finally:
        if holding:
            interrupts.let_go()


def _run() -> int:
    from chainrule.cli import screen
    from chainrule.cli.application import build_application

    screen.be_forgiving()
    try:
        build_application()(prog_name="chainrule")
    except SystemExit as finished:  # typer's way to end
        return finished.code if isinstance(finished.code, int) else 1
    return 0
