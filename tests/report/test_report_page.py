from __future__ import annotations

import re
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.errors import InputError, MissingDependencyError
from chainrule.evaluation import evaluate
from chainrule.graph import build
from chainrule.model import Model
from chainrule.report import Report, largest_coefficients
from chainrule.tables import LabelEncoding
from chainrule.training import train

PENGUINS = Path(__file__).parent.parent.parent / "examples" / "penguins.csv"
VOID = {"br", "meta", "wbr"}


class Reader(HTMLParser):
    """Reads a page strictly: every tag closed in order, every id once."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self.words.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag
        self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).replace("\u00a0", " ").split())


def make_model(
    d: int = 4,
    K: int = 3,
    *,
    labels: tuple[Any, ...] | None = None,
    kind: str = "text",
    names: tuple[str, ...] | None = None,
    record: dict[str, Any] | None = None,
    evaluated: bool = True,
    seed: int = 0,
) -> Model:
    """Return a model of arrays with random coefficients, evaluated on made-up rows."""
    rng = np.random.default_rng(seed)
    graph = build.softmax_classifier(d, K, l2=0.1, one_logit=K == 2)
    known = LabelEncoding("y", kind, labels or tuple(f"class {k}" for k in range(K)))  # type: ignore[arg-type]
    model = Model(
        graph=graph,
        parameters=rng.standard_normal(graph.parameters.size),
        labels=known,
        feature_names=names or tuple(f"x{j}" for j in range(d)),
        record=record or {},
    )
    if not evaluated:
        return model
    y = rng.integers(K, size=50 * K)
    p = rng.dirichlet(np.full(K, 0.3), size=len(y)) + 0.3 * np.eye(K)[y]
    p /= p.sum(axis=1, keepdims=True)
    result = evaluate(p, y, known.classes, baseline=np.bincount(y, minlength=K) / len(y))
    return model.with_record(evaluation=result.to_dict())


@pytest.fixture(scope="module")
def penguins() -> Model:
    return train(PENGUINS, "species")


@pytest.fixture(scope="module")
def page(penguins: Model) -> str:
    return Report(penguins, model_path="out/penguins.chainrule").to_html()


def check_page(page: str) -> Reader:
    """Assert what holds for any page, and return it read."""
    read = Reader(page)
    assert len(read.all("h1")) == 1
    assert not read.all("script")
    assert not re.search(r"(?i)(https?:)?//[a-z0-9]", re.sub(r'xmlns(:\w+)?="[^"]*"', "", page))
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in read.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("href", "aria-labelledby"):
            if name in attributes:
                assert str(attributes[name]).removeprefix("#") in ids
    for reference in re.findall(r"url\(#([^)]*)\)", page):
        assert reference in ids
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch(r"h\d", tag)]
    assert set(levels) == {1, 2}
    assert len(read.all("caption")) == len(read.all("table"))
    assert all(attributes.get("scope") in ("row", "col") for attributes in read.all("th"))
    outermost = [a for a in read.all("svg") if "plot" in str(a.get("class"))]
    assert all(a["role"] == "img" and a["aria-label"] for a in outermost)
    # No placeholder colour is left, and nothing is nan.
    assert not re.search(r"#0[1-5]0[1-5][0-9a-f]{2}\b", page)
    assert not re.search(r"\bnan\b|\binf\b|Infinity", read.text)
    return read


def test_the_page_says_what_the_record_says(page: str, penguins: Model) -> None:
    read = check_page(page)
    evaluation, fit, split = (penguins.record[part] for part in ("evaluation", "fit", "split"))
    hits = sum(row[k] for k, row in enumerate(evaluation["confusion"]))
    for fact in (
        "Predicting species",
        "penguins.csv",
        "344",
        "encoded as 14 features",
        f"Right on {hits} of {evaluation['n_rows']} rows",
        f"{100 * evaluation['accuracy']:.1f} %",
        f"{evaluation['log_loss']:#.3g}",
        f"{evaluation['macro_f1']:.3f}",
        f"majority class {100 * evaluation['baseline']['accuracy']:.1f} %",
        f"class frequencies {evaluation['baseline']['log_loss']:#.3g}",
        f"{split['n_train']} to train, {split['n_test']} held out",
        f"{fit['n_iter']}, {fit['passes']} passes",
        "newton-cholesky",
        "converged",
        "flipper_length_mm",
        "load_model('out/penguins.chainrule')",
        "chainrule predict out/penguins.chainrule",
        "Adelie",
    ):
        assert fact in read.text, fact
    for scores in evaluation["per_class"]:
        assert f"{scores['f1']:.3f}" in read.text
    counted = re.findall(r'class="(?:right|wrong)" style="--depth: \d+%">([\d,]+)<', page)
    assert sorted(map(int, counted)) == sorted(n for row in evaluation["confusion"] for n in row if n)
    # Four plots (ROC, precision-recall, calibration, loss) and the graph.
    assert len(read.all("svg")) == 5


def test_the_same_model_gives_the_same_page(page: str, penguins: Model) -> None:
    assert Report(penguins, model_path="out/penguins.chainrule").to_html() == page


def test_a_notebook_gets_the_same_facts_and_no_more(page: str, penguins: Model) -> None:
    report = Report(penguins, model_path="out/penguins.chainrule")
    shown = report._repr_html_()
    read = Reader(shown)
    body = Reader(page).text.removeprefix("Predicting species").strip()
    assert read.text == body
    assert not {tag for tag, _ in read.tags} & {"html", "head", "body", "h1", "main", "meta"}
    style = shown[shown.index("<style>") + 7 : shown.index("</style>")]
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    selectors = re.findall(r"([^{};]+)\{", style)
    for selector in selectors:
        for part in selector.split(","):
            assert ".chainrule-report" in part or selector.strip().startswith("@media"), selector
    # Two reports in one notebook share no id.
    other = Reader(Report(make_model())._repr_html_())
    ids = [{a["id"] for _, a in each.tags if "id" in a} for each in (read, other)]
    assert not ids[0] & ids[1]


def test_largest_coefficients_are_the_largest(penguins: Model) -> None:
    found = largest_coefficients(penguins, most=3)
    W, b = penguins.parameter_arrays["W"], penguins.parameter_arrays["b"]
    assert [each.towards for each in found] == penguins.classes.tolist()
    for k, each in enumerate(found):
        order = np.argsort(-np.abs(W[:, k]))[:3]
        assert [c.feature for c in each.largest] == [penguins.feature_names[j] for j in order]
        assert [c.value for c in each.largest] == W[order, k].tolist()
        assert each.intercept == b[k]
        assert each.against is None


def test_one_logit_says_which_class_it_points_to() -> None:
    model = make_model(K=2, labels=("no", "yes"))
    (found,) = largest_coefficients(model)
    assert (found.towards, found.against) == ("yes", "no")
    read = check_page(Report(model).to_html())
    assert "Positive speaks for yes, negative for no" in read.text
    assert f"{np.exp(found.largest[0].value):#.3g}" in read.text


@pytest.mark.parametrize(("test_size", "said"), [(0, "Trained on every row"), (None, "No rows were held out")])
def test_without_an_evaluation_the_page_says_so(test_size: float | None, said: str) -> None:
    record = {} if test_size is None else {"split": {"test_size": 0, "n_train": 10, "n_test": 0}}
    read = check_page(Report(make_model(evaluated=False, record=record)).to_html())
    assert said in read.text
    assert "Accuracy" not in read.text
    assert "x0" in read.text
    assert "model.predict(X)" in read.text
    assert "Save it first" in read.text


@pytest.mark.parametrize("K", [26, 60])
def test_many_classes(K: int) -> None:
    model = make_model(d=5, K=K)
    page = Report(model).to_html()
    read = check_page(page)
    assert "Most frequent mistakes" in read.text
    assert "the lowest of" in read.text
    # The matrix itself only while it can be read.
    assert ("Confusion matrix of" in read.text) == (K == 26)
    assert len(page) < 700_000


def test_hundreds_of_features_show_the_largest() -> None:
    model = make_model(d=400)
    read = check_page(Report(model).to_html())
    W = model.parameter_arrays["W"]
    assert model.feature_names[int(np.abs(W[:, 0]).argmax())] in read.text
    smallest = model.feature_names[int(np.abs(W).max(axis=1).argmin())]
    assert smallest not in read.text.split()
    assert "and 392 smaller ones" in read.text


HOSTILE = (
    '<script>alert("1")</script>',
    "'><img src=x onerror=alert(1)>",
    r"$\frac{a}{b}$ & \unknown{",
    "第三 класс \u202e \x00 \ud800",
)


def test_hostile_names_are_only_names(tmp_path: Path) -> None:
    record = {
        "data": {
            "source": HOSTILE[0],
            "target": HOSTILE[1],
            "n_rows": 9,
            "n_columns": 5,
            "dropped": {HOSTILE[0]: HOSTILE[1]},
            "notes": [HOSTILE[0]],
            "class_counts": [3, 3, 3, 3],
        }
    }
    model = make_model(K=4, labels=HOSTILE, names=HOSTILE, record=record)
    report = Report(model, model_path=tmp_path / "it's <b>.chainrule")
    page = report.to_html()
    read = check_page(page)
    assert not read.all("img")
    assert not read.all("b")
    assert HOSTILE[0] in read.text
    assert r"$\frac{a}{b}$ & \unknown{" in read.text
    assert "\u202e" not in unescape(page)
    assert report.save(tmp_path / "r.html").read_text(encoding="utf-8") == page


@pytest.mark.parametrize(
    ("labels", "kind"),
    [((False, True), "boolean"), ((3, 5, 8), "integer"), ((0.5, 1.5), "number")],
)
def test_labels_of_other_types(labels: tuple[Any, ...], kind: str) -> None:
    read = check_page(Report(make_model(K=len(labels), labels=labels, kind=kind)).to_html())
    for label in labels:
        assert str(label) in read.text.split()


def test_a_class_without_rows() -> None:
    model = make_model(K=3, evaluated=False)
    y = np.array([0, 1, 0, 1])
    p = np.tile([0.6, 0.3, 0.1], (4, 1))
    result = evaluate(p, y, model.classes, baseline=np.array([0.4, 0.4, 0.2]))
    read = check_page(Report(model.with_record(evaluation=result.to_dict())).to_html())
    assert "class 2 0 – – – – –" in read.text
    assert "That is no better than always answering class 0" in read.text


def test_rows_of_one_class_have_no_roc() -> None:
    model = make_model(K=2, evaluated=False)
    result = evaluate(np.tile([0.6, 0.4], (4, 1)), np.zeros(4, dtype=int), model.classes, baseline=np.array([0.5, 0.5]))
    read = check_page(Report(model.with_record(evaluation=result.to_dict())).to_html())
    assert "not defined: no rows of one side" in read.text


def test_a_network_has_no_coefficients_but_a_graph() -> None:
    graph = build.mlp(3, [4], 2)
    rng = np.random.default_rng(0)
    model = Model(
        graph=graph,
        parameters=build.initialize(graph, rng),
        labels=LabelEncoding("y", "text", ("a", "b")),
        feature_names=("u", "v", "w"),
    )
    assert largest_coefficients(model) == ()
    read = check_page(Report(model).to_html())
    assert "Neural network" in read.text
    assert len(read.all("svg")) == 1


def test_a_long_loss_curve_is_thinned() -> None:
    curve = (1.0 / np.arange(1, 50_001)).tolist()
    fit = {"solver": "gradient_descent", "n_iter": 49_999, "loss_curve": curve, "status": "max_iter"}
    page = Report(make_model(evaluated=False, record={"fit": fit})).to_html()
    assert len(page) < 120_000
    assert "from 1.000 to 2.000e−05 nats" in page
    assert "stopped at max_iter" in page


def test_an_interrupted_or_empty_fit() -> None:
    for curve in ([], [1.0], [1.0, 1.0]):
        record = {"fit": {"loss_curve": curve, "status": "interrupted"}}
        read = check_page(Report(make_model(evaluated=False, record=record)).to_html())
        assert "interrupted: these are the last parameters" in read.text


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "chainrule\[plot\]"'):
        Report(make_model()).save(tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_saving_where_no_file_can_be(tmp_path: Path) -> None:
    report = Report(make_model(evaluated=False))
    with pytest.raises(InputError, match="no directory"):
        report.save(tmp_path / "nowhere" / "r.html")
    with pytest.raises(InputError, match="is a directory"):
        report.save(tmp_path)


def test_a_damaged_evaluation_is_refused() -> None:
    model = make_model().with_record(evaluation={"accuracy": "high"})
    with pytest.raises(InputError, match="is missing"):
        Report(model).to_html()
