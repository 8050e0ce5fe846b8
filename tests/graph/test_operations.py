"""Laws that every operation of the registry keeps; a new one is tested by existing."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from graph_strategies import concrete, examples
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import GraphError, ShapeError
from chainrule.graph import ACTIVATIONS, OPERATIONS, Graph, Node
from chainrule.graph.operation import is_number

every_operation = pytest.mark.parametrize("record", OPERATIONS.values(), ids=list(OPERATIONS))


def _examples(record):
    return examples(record, np.random.default_rng(len(record.name)))


@every_operation
def test_the_shape_rule_says_what_forward_returns(record):
    for example in _examples(record):
        out = np.asarray(record.forward(*example.inputs, **example.attributes))
        assert out.shape == concrete(record.shape(*example.shapes, **example.attributes))
        assert out.dtype == np.float64


@every_operation
def test_gradients_equal_central_differences(record):
    rng = np.random.default_rng(7)
    for example in _examples(record):
        out = np.asarray(record.forward(*example.inputs, **example.attributes))
        direction = rng.normal(size=out.shape)
        shares = record.backward(direction, *example.inputs, **example.attributes)
        roles = record.input_roles(len(example.inputs))
        for i, (role, share) in enumerate(zip(roles, shares, strict=False)):
            if not record.carries_gradient(role):
                assert share is None
                continue
            assert share.shape == example.inputs[i].shape
            numeric = _central_differences(record, example, i, direction)
            # With steps of 1e-5 the differences are right to about 1e-9: 1e-6 leaves room and still catches any slip.
            np.testing.assert_allclose(share, numeric, rtol=1e-6, atol=1e-6 * max(1e-3, np.abs(numeric).max()))


def _central_differences(record, example, which, direction, step=1e-5):
    gradient = np.empty(example.inputs[which].shape)
    for index in np.ndindex(gradient.shape):
        sides = []
        for sign in (1.0, -1.0):
            inputs = [np.array(value) for value in example.inputs]
            inputs[which][index] += sign * step
            sides.append(np.sum(direction * record.forward(*inputs, **example.attributes)))
        gradient[index] = (sides[0] - sides[1]) / (2 * step)
    return gradient


@every_operation
def test_backward_answers_for_every_input_and_leaves_its_arguments_alone(record):
    for example in _examples(record):
        before = [value.copy() for value in example.inputs]
        out = np.asarray(record.forward(*example.inputs, **example.attributes))
        direction = np.ones_like(out)
        shares = record.backward(direction, *example.inputs, **example.attributes)
        assert isinstance(shares, tuple)
        assert len(shares) == (len(example.inputs) if record.variadic else len(record.roles))
        assert all(share is None for share in shares[len(example.inputs) :])
        assert all(np.array_equal(a, b) for a, b in zip(before, example.inputs, strict=True))
        assert np.all(direction == 1.0)


@pytest.mark.parametrize("name", [name for name, record in OPERATIONS.items() if record.elementwise])
def test_elementwise_operations_keep_entries_apart(name):
    record = OPERATIONS[name]
    for example in _examples(record):
        out = record.forward(*example.inputs, **example.attributes)
        changed = [value.copy() for value in example.inputs]
        changed[0][0, 0] += 1.0
        others = np.ones(out.shape, dtype=bool)
        others[0, 0] = False
        assert np.array_equal(out[others], record.forward(*changed, **example.attributes)[others])


@every_operation
def test_formulas_render_in_every_style_bare_and_named(record):
    for count in {len(_roles(record)), record.required, 9 if record.variadic else record.required}:
        roles = record.input_roles(count)
        named = {role: f"Q{i + 1}" for i, role in enumerate(roles)} | {"out": "Z12"}
        formulas = {"out": record.formula, **record.gradients, **record.local}
        for key, formula in formulas.items():
            if record.variadic:
                named[record.roles[-1].rstrip("*")] = "Q1"
            for names in ({}, named):
                _check_rendering(formula, names, key)


def _roles(record):
    return [role.rstrip("?*") for role in record.roles]


def _check_rendering(formula, names, key):
    text = formula.render("text", names)
    assert text and text == text.strip() and "  " not in text, (key, text)
    assert text.count("(") == text.count(")"), text
    root = ElementTree.fromstring(f"<root>{formula.render('mathml', names)}</root>")
    assert {element.tag for element in root.iter()} <= {
        "root", "mrow", "mi", "mn", "mo", "msub", "msup", "mfrac", "munder", "mtext",
    }  # fmt: skip
    for element in root.iter():  # scripts and fractions have two parts exactly, or browsers show an error
        if element.tag in ("msub", "msup", "mfrac", "munder"):
            assert len(element) == 2
    latex = formula.render("latex", names)
    assert latex.count("{") == latex.count("}")
    assert not re.search(r"[^\x00-\x7f⊙Σ]", latex.replace("∥", "")), latex
    html = formula.render("html", names)
    assert {element.tag for element in ElementTree.fromstring(f"<root>{html}</root>").iter()} <= {
        "root", "i", "sub", "sup",
    }  # fmt: skip
    if names and "Z12" in text:
        assert "<sub>12" in html


@every_operation
def test_what_carries_a_gradient_has_its_formula_and_its_local_derivative(record):
    assert set(record.gradients) == set(record.local)
    assert set(record.gradients) <= set(_roles(record))
    assert record.gradients, "an operation that passes no gradient on belongs elsewhere"


extents = st.sampled_from(["m", 1, 2, 3])


@every_operation
@settings(deadline=None)
@given(data=st.data())
def test_the_shape_rule_accepts_only_what_forward_can_do(record, data):
    count = (
        data.draw(st.integers(1, 3)) if record.variadic else data.draw(st.integers(record.required, len(record.roles)))
    )
    shapes = [tuple(data.draw(st.lists(extents, max_size=3))) for _ in range(count)]
    try:
        promised = record.shape(*shapes, **record.attributes)
    except ShapeError:
        return
    inputs = [
        np.zeros(concrete(shape), dtype=np.int64) if role == "labels" else np.ones(concrete(shape))
        for role, shape in zip(record.input_roles(count), shapes, strict=True)
    ]
    out = np.asarray(record.forward(*inputs, **record.attributes))
    assert out.shape == concrete(promised)
    for value, share in zip(inputs, record.backward(np.ones_like(out), *inputs, **record.attributes), strict=False):
        assert share is None or share.shape == value.shape


@pytest.mark.parametrize(
    ("operation", "attributes"),
    [
        ("leaky_relu", {"slope": -0.1}),
        ("leaky_relu", {"slope": float("nan")}),
        ("leaky_relu", {"slope": "steep"}),
        ("leaky_relu", {"slope": True}),
        ("dropout", {"rate": 1.0}),
        ("dropout", {"rate": -0.1}),
        ("dropout", {"rate": None}),
        ("dropout", {"rate": 10**400}),
        ("l2", {"strength": float("inf")}),
        ("l2", {"strength": ()}),
        ("relu", {"slope": 0.1}),
        ("softmax_cross_entropy", {"label_smoothing": 1.0}),
        ("softmax_cross_entropy", {"class_weight": 3}),
        ("softmax_cross_entropy", {"class_weight": "abc"}),
        ("softmax_cross_entropy", {"class_weight": (1.0, -1.0, 1.0)}),
        ("softmax_cross_entropy", {"class_weight": ((1.0,), (1.0,), (1.0,))}),
        ("softmax_cross_entropy", {"class_weight": (1.0, 1.0)}),
    ],
)
def test_senseless_attributes_are_refused_by_node(operation, attributes):
    sources = {
        "x": Node("X", "data", given_shape=("m", 3)),
        "logits": Node("X", "data", given_shape=("m", 3)),
        "weight": Node("X", "parameter", given_shape=(3, 3)),
        "labels": Node("y", "labels", given_shape=("m",)),
    }
    roles = [role for role in OPERATIONS[operation].roles if not role.endswith("?")]
    nodes = [sources[role] for role in roles]
    with pytest.raises(GraphError, match="node 'Q'"):
        Graph([*nodes, Node("Q", operation, tuple(node.name for node in nodes), attributes)])


def test_activations_have_their_textbook_values():
    x = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    expected = {
        "relu": [0, 0, 0, 0.5, 2],
        "leaky_relu": [-0.02, -0.005, 0, 0.5, 2],
        "tanh": np.tanh(x),
        "sigmoid": 1 / (1 + np.exp(-x)),
        "silu": x / (1 + np.exp(-x)),
        # Hendrycks and Gimpel 2016: x times the normal distribution, here from its table
        "gelu": x * np.array([0.022750131948, 0.308537538726, 0.5, 0.691462461274, 0.977249868052]),
        # Klambauer et al. 2017
        "selu": 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(x) - 1)),
    }
    assert set(expected) == set(ACTIVATIONS)
    for name, values in expected.items():
        np.testing.assert_allclose(OPERATIONS[name].forward(x), values, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_stay_finite_far_out_and_keep_nan(name):
    far = np.array([-1e6, -1e3, -750.0, 750.0, 1e3, 1e6])
    record = OPERATIONS[name]
    assert np.isfinite(record.forward(far)).all()
    assert np.isfinite(record.backward(np.ones(6), far)[0]).all()
    assert np.isnan(record.forward(np.array([np.nan]))).all()


def test_what_counts_as_a_number():
    assert is_number(1) and is_number(0.5) and is_number(np.float32(2)) and is_number(np.int64(3))
    for nothing in (True, None, "1", float("nan"), float("inf"), 10**400, 1j, (1,)):
        assert not is_number(nothing)
    assert is_number(0, low=0) and not is_number(1, below=1)


def _run(written, inputs, attributes, constants):
    """Run code as someone who copied it would."""
    scope = {"np": np, **inputs, **attributes, **constants}
    for line in (*written.imports, *written.lines[:-1]):
        exec(line, scope)
    return np.asarray(eval(written.lines[-1], scope))


@every_operation
def test_the_code_computes_what_forward_and_backward_do(record):
    rng = np.random.default_rng(11)
    assert set(record.numpy) == {"out", *record.gradients}
    for example in _examples(record):
        roles = record.input_roles(len(example.inputs))
        out = np.asarray(record.forward(*example.inputs, **example.attributes))
        d_out = np.asarray(rng.normal(size=out.shape))
        shares = record.backward(d_out, *example.inputs, **example.attributes)
        inputs = {**dict(zip(roles, example.inputs, strict=True)), "d_out": d_out}
        wanted = {"out": out} | {
            role: share for role, share in zip(roles, shares, strict=False) if record.carries_gradient(role)
        }
        for key, expected in wanted.items():
            written = record.code(key, roles, example.attributes)
            constants = written.constants_of(inputs, example.attributes)
            used = [role for role in inputs if written.uses(role)]
            assert set(written.axes) == {*used, "out"}
            # the same operations in nearly the same order: a few roundings
            found = _run(written, {role: inputs[role] for role in used}, example.attributes, constants)
            np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)
            for index in np.ndindex(expected.shape):
                few = {role: inputs[role][written.cut(role, index, inputs[role].ndim)] for role in used}
                one = _run(written, few, example.attributes, constants)[written.place(index)]
                np.testing.assert_allclose(one, expected[index], rtol=1e-13, atol=1e-15)
                if written.numbers is not None:
                    formula = written.numbers(index, few, constants, **example.attributes)
                    _check_rendering(formula, {}, key)
