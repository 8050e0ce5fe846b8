"""What only a real process shows: pipes, terminals, signals, cold starts, a full disk."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

import chainrule

RUN = [sys.executable, "-c", "import sys; from chainrule.cli.main import run; sys.exit(run())"]
# Without rows held out, scikit-learn, which splits them, need not load.
ENDLESS = ("--test-size", "0", "--solver", "gradient_descent", "--max-iter", "1000000000", "--tol", "0")
PLAIN = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
ENVIRONMENT = {**PLAIN, "PYTHONPATH": str(Path(chainrule.__file__).parents[1]), "TERM": "xterm-256color"}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals and signals are POSIX's")


def call(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RUN, *arguments], capture_output=True, text=True, env=ENVIRONMENT, timeout=120, **options)  # type: ignore[call-overload,no-any-return]


def on_terminal(*arguments: str, press_when: str = "", columns: int = 80, **environment: str) -> tuple[int, str]:
    """Run a command on a pseudo terminal; press Ctrl-C once a text is on it. Returns exit status and screen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [*RUN, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env={**ENVIRONMENT, **environment}
    )
    os.close(theirs)
    screen = b""
    while True:
        try:
            read = os.read(ours, 65_536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not read:
            break
        screen += read
        if press_when and press_when.encode() in screen:
            process.send_signal(signal.SIGINT)
            press_when = ""
    os.close(ours)
    return process.wait(60), screen.decode()


def test_a_pipe_whose_reader_leaves(here: Path) -> None:
    lines = (here / "penguins.csv").read_text().splitlines(keepends=True)
    # Far more than a pipe holds, so that the writer meets the closed end.
    (here / "many.csv").write_text(lines[0] + "".join(lines[1:]) * 100)
    for arguments in (("predict", "penguins.chainrule", "many.csv", "--proba"), ("info", "penguins.chainrule")):
        process = subprocess.Popen([*RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(60) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_stdout(here: Path) -> None:
    for arguments in (("predict", "penguins.chainrule", "penguins.csv"), ("info", "penguins.chainrule")):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [*RUN, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, timeout=60
            )
        assert (done.returncode, done.stderr) == (1, "Error: no space left on device\n")


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A file system of 16 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield place  # type: ignore[misc]
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(here: Path, small_disk: Path) -> None:
    model = small_disk / "m.chainrule"
    model.write_bytes(b"an older model")
    (small_disk / "filler").write_bytes(bytes(12_288))
    done = call("train", "penguins.csv", "--target", "species", "--test-size", "0", "-o", str(model), cwd=here)
    assert done.returncode == 1
    message = f"Error: cannot write '{model}': no space is left on the device. The file that was there is untouched.\n"
    assert (done.stdout, done.stderr) == ("", message)
    assert model.read_bytes() == b"an older model"
    done = call("predict", "penguins.chainrule", "penguins.csv", "--proba", "-o", str(small_disk / "p.csv"), cwd=here)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: cannot write '{small_disk / 'p.csv'}': ")
    assert done.stderr.endswith("Nothing was written.\n")
    assert {path.name for path in small_disk.iterdir()} == {"m.chainrule", "filler"}


def test_ctrl_c_in_the_middle_of_a_fit(here: Path) -> None:
    before = sorted(here.iterdir())
    status, screen = on_terminal(
        "train",
        "penguins.csv",
        "--target",
        "species",
        "-o",
        "new.chainrule",
        *ENDLESS,
        press_when="Training: iteration",
    )
    assert status == 130
    assert "Interrupted: " in screen
    assert screen.rstrip().endswith("nothing was written.")
    assert "Traceback" not in screen
    assert "\x1b[?25h" in screen, "the cursor is shown again"
    assert sorted(here.iterdir()) == before


def test_ctrl_c_at_any_moment(here: Path) -> None:
    """Extension modules abort the process when they are interrupted while they load: it must wait."""
    before = sorted(here.iterdir())
    for delay in (0.3, 0.5, 0.8):
        process = subprocess.Popen(
            [*RUN, "train", "penguins.csv", "--target", "species", "-o", "new.chainrule", *ENDLESS],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
        )  # fmt: skip
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
        if process.returncode == -signal.SIGINT and "chainrule" not in stderr:
            continue  # a slow machine: Python itself had not started yet
        assert (process.returncode, stdout, stderr) == (130, "", "Interrupted: nothing was written.\n"), delay
    assert sorted(here.iterdir()) == before


def test_colours_and_progress_on_a_terminal(here: Path) -> None:
    status, screen = on_terminal("info", "penguins.chainrule")
    assert status == 0
    assert "\x1b[" in screen
    status, screen = on_terminal("info", "no.chainrule")
    assert status == 1
    assert "\x1b[1;31mError: \x1b[0m" in screen


def test_no_color_means_none(here: Path) -> None:
    for arguments, expected in (
        (("info", "penguins.chainrule"), 0),
        (("info", "no.chainrule"), 1),
        (("train",), 2),
    ):
        status, screen = on_terminal(*arguments, NO_COLOR="1")
        assert status == expected
        assert "\x1b" not in screen
    status, screen = on_terminal(
        "train", "penguins.csv", "--target", "species", *ENDLESS, press_when=" ...", NO_COLOR="1"
    )
    assert status == 130
    assert "\x1b" not in screen
    assert any(f"{stage} ..." in screen for stage in ("penguins.csv", "rows", "Training"))


def test_pipes_are_plain(here: Path) -> None:
    done = call("train", "penguins.csv", "--target", "species", "--test-size", "0", cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert not set("\x1b\r\u00a0") & set(done.stdout)


def test_a_terminal_that_knows_ascii_only(here: Path) -> None:
    done = subprocess.run(
        [*RUN, "info", "penguins.chainrule"],
        capture_output=True, text=True, env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


_MODULES = """
import sys
from chainrule.cli.main import run
status = run()
heavy = {"numpy", "duckdb", "sklearn", "scipy", "scipy.linalg", "matplotlib", "pandas", "pyarrow", "narwhals"}
print(status, *sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


def loaded_by(*arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _MODULES, *arguments], capture_output=True, text=True, env=ENVIRONMENT, timeout=60
    )
    return done.stderr.split()


def test_commands_load_what_they_need(here: Path) -> None:
    assert loaded_by("train", "--help") == ["0"]
    assert loaded_by("predict", "penguins.chainrule", "penguins.csv") == ["0", "duckdb", "numpy"]
    assert "matplotlib" not in loaded_by("train", "penguins.csv", "--target", "species", "--test-size", "0", "-q")


def test_cold_starts(here: Path) -> None:
    """Bounds far above what is seen (0.2 s and 0.6 s on two idle cores), to find an import that crept in."""
    for arguments, bound in ((("--help",), 1.5), (("predict", "penguins.chainrule", "penguins.csv"), 4.0)):
        best = float("inf")
        for _ in range(3):
            began = time.perf_counter()
            assert call(*arguments, cwd=here).returncode == 0
            best = min(best, time.perf_counter() - began)
            if best < bound:
                break
        assert best < bound


def test_a_background_job_ignores_ctrl_c(here: Path) -> None:
    """A shell starts background jobs with SIGINT ignored: it must stay so."""
    process = subprocess.Popen(
        [*RUN, "train", "penguins.csv", "--target", "species", "--test-size", "0", "-o", "new.chainrule", "-q"],
        env=ENVIRONMENT, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    time.sleep(0.5)
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert (here / "new.chainrule").exists()


NETWORK = ("--hidden", "64,64", "--epochs", "1000000", "--test-size", "0", "-o", "n.chainrule")


def test_the_epochs_are_shown_and_ctrl_c_keeps_the_checkpoint(here: Path) -> None:
    train = ("train", "penguins.csv", "--target", "species", *NETWORK, "--checkpoint", "run.ckpt")
    status, screen = on_terminal(*train, press_when="rows/s")
    assert status == 130
    for shown in ("epoch ", " of 1,000,000", "left", "loss ", "validation loss", "━", "\x1b[?25h"):
        assert shown in screen
    assert "no model was written. The run is kept in 'run.ckpt'" in " ".join(screen.split())
    assert (here / "run.ckpt").exists()
    assert not (here / "n.chainrule").exists()


def test_epochs_as_plain_lines_where_colours_are_not_wanted(here: Path) -> None:
    train = ("train", "penguins.csv", "--target", "species", *NETWORK)
    status, screen = on_terminal(*train, press_when="rows/s", NO_COLOR="1")
    assert status == 130
    assert "\x1b" not in screen
    assert "; validation loss " in screen
    assert screen.rstrip().endswith("nothing was written.")


def test_quiet_says_nothing_of_epochs(here: Path) -> None:
    train = ("train", "penguins.csv", "--target", "species", "--hidden", "64,64", "--epochs", "3000", "-q")
    assert on_terminal(*train, "--test-size", "0") == (0, "")


def test_the_module_ends_with_the_commands_status(here: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", "info", "no.chainrule"], capture_output=True, env=ENVIRONMENT, timeout=60
    )
    assert done.returncode == 1
