"""The instruction sets the kernels are compiled for, and the environment's say in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fresh_python import run_python

from chainrule.engine import _kernels

KERNEL_TESTS = str(Path(__file__).parent / "test_kernels.py")


def offered_levels() -> list[str]:
    message = run_python("import chainrule.engine._kernels", CHAINRULE_SIMD="none such").stderr
    assert "ImportError: CHAINRULE_SIMD is 'none such'" in message
    offered = message.split("offer ")[1].split(". Set it")[0]
    return offered.split(", ")


def test_every_level_of_the_processor() -> None:
    levels = offered_levels()
    assert _kernels.simd_level() in levels
    for level in levels:
        # These very tests, with the kernels of that level.
        chosen = (
            "import sys, pytest; from chainrule.engine import _kernels; "
            f"assert _kernels.simd_level() == {level!r}; "
            f"sys.exit(pytest.main(['-q', '-x', '-p', 'no:cacheprovider', {KERNEL_TESTS!r}, '-k', "
            "'features_and_classes or layouts or not_finite or hessian or any_number or huge or small_losses']))"
        )
        if level != _kernels.simd_level():
            result = run_python(chosen, CHAINRULE_SIMD=level)
            assert result.returncode == 0, result.stdout + result.stderr


def test_a_level_that_the_processor_lacks() -> None:
    lacking = {"v2", "v3", "v4"} - set(offered_levels())
    for level in lacking:
        result = run_python("import chainrule.engine._kernels", CHAINRULE_SIMD=level)
        assert result.returncode == 1
        assert f"ImportError: CHAINRULE_SIMD is '{level}', but this processor" in result.stderr


def test_number_of_threads_from_the_environment() -> None:
    code = "from chainrule.engine import _kernels; print(_kernels.hardware_threads())"
    assert run_python(code, CHAINRULE_NUM_THREADS="3").stdout.strip() == "3"
    assert int(run_python(code, CHAINRULE_NUM_THREADS="").stdout) >= 1
    for wrong in ("0", "-1", "two", "1.5", "99999999999"):
        stderr = run_python(code, CHAINRULE_NUM_THREADS=wrong).stderr
        assert f"CHAINRULE_NUM_THREADS is '{wrong}', not a positive whole number" in stderr


NETWORK = """
import numpy as np
from chainrule.engine import Trainer, UpdateRule, compile_graph, permutation
from chainrule.graph import build, initialize
rng = np.random.default_rng(0)
graph = build.mlp(13, (40, 17), 5, activation=("tanh", "gelu"), l2=1e-3, dropout=0.2)
X, y = rng.normal(size=(500, 13)), rng.integers(0, 5, 500)
trainer = Trainer(compile_graph(graph), X, y, parameters=initialize(graph, "auto", 0), rule=UpdateRule(), batch_size=64)
for epoch in range(3):
    print(*trainer.steps(permutation(500, 0, epoch), 0, np.full(8, 1e-3), 8 * epoch).losses.tolist())
"""


def test_networks_learn_alike_on_every_level() -> None:
    runs = [np.array(run_python(NETWORK, CHAINRULE_SIMD=level).stdout.split(), float) for level in offered_levels()]
    assert len(runs[0]) == 24
    for run in runs:
        # Levels differ in the order of sums, 1e-15 a step; 24 steps of Adam multiply that by well below 1e4.
        np.testing.assert_allclose(run, runs[0], rtol=1e-11)
