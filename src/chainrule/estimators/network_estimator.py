"""What estimators of networks share when they train: rows in, checked and encoded, parameters out."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import inf, nan
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, validate_data

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.errors import InputError
from chainrule.estimators.callbacks import FitTasks, check_callbacks, print_epochs, tell_all
from chainrule.estimators.network_predictor import NetworkPredictor
from chainrule.estimators.targets import (
    TargetKind,
    check_targets,
    encode_targets,
    kind_of_targets,
    learn_classes,
    restore_targets,
)
from chainrule.estimators.trained import TrainedNetwork
from chainrule.estimators.validation import OWN_SCORES, make_score, set_aside, unpack_validation
from chainrule.files import Checkpoint, load_checkpoint
from chainrule.graph import Graph
from chainrule.solvers import EpochCallback, EpochProgress, RunState
from chainrule.training import NetworkFit, NetworkOptions, Validation, class_weights, fit_network, total_weight

_FLOATS = [np.float64, np.float32]


@dataclass(frozen=True)
class _Problem:
    """What there is to train on, checked and encoded."""

    rows: Any
    labels: IntArray
    weights: Float64Array | None
    training_rows: IntArray | None  # None: all
    classes: Array
    kind: TargetKind
    validation: Validation | None
    graph: Graph


def _takes_batches(estimator: Any) -> bool:
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit takes batches as they come; solver='lbfgs' needs all rows at once: use fit")
    return True


class NetworkEstimator(CallbackSupportMixin, NetworkPredictor):  # type: ignore[misc]
    """A classifier that trains a graph; subclasses say which one."""

    # Parameters that the subclasses' constructors set.
    solver: str
    batch_size: int | str
    random_state: Any
    verbose: Any
    warm_start: bool
    early_stopping: bool
    class_weight: Any
    monitor: Any
    callbacks: Any
    checkpoint: str | Path | None
    checkpoint_every: int
    resume: bool

    @abstractmethod
    def _make_graph(
        self, options: NetworkOptions, n_features: int, n_classes: int, kind: TargetKind, mass: float
    ) -> Graph:
        """Return the graph to train; ``mass`` is the weight of all rows that will be trained on."""

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> Self:
        """Train on rows ``X`` with labels ``y``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            float32 and float64 are kept, anything else becomes float64; sparse rows become CSR.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels of any type, or for several labels a row a column of 0 and 1 for each.
        sample_weight : array-like of shape (n_samples,), default=None
            What each row counts.
        validation_data : (X, y) or (X, y, sample_weight), default=None
            Rows that are watched and never trained on. The best epoch's parameters are kept; with
            ``early_stopping=True`` they decide when to stop, in place of a part of the training rows.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        NonFiniteError
            If training diverges: names epoch, step and the first node that did. An estimator that was fitted before
            keeps its parameters.
        InputError
            If a parameter or the data can't be used.
        """
        go_on = bool(self.warm_start) and self._has_parameters()
        options = self._options(go_on)
        context = self._init_callback_context(max_subtasks=int(options.max_iter))
        rows, targets = self._check_rows_and_targets(X, y, reset=not go_on)
        classes = self._same_classes(targets) if go_on and hasattr(self, "classes_") else learn_classes(targets)
        problem = self._pose(options, rows, targets, classes, sample_weight, validation_data, aside=True)
        tasks = FitTasks(self, context, X, y, sample_weight, lambda flat: self._fitted_with(problem, flat))
        callbacks = self._told()
        if hasattr(self, "_skl_callbacks"):
            tasks.begin_epoch()
            callbacks.append(tasks)
        fit = self._train(problem, options, callbacks, go_on=go_on, checkpoint=self._checkpoint())
        self._keep(fit, fit.parameters, problem)
        self.n_iter_ = fit.n_iter
        tasks.end()
        self._say_how_it_ended(fit, options)
        return self

    @available_if(_takes_batches)  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None, *, validation_data: Any = None
    ) -> Self:
        """Train for one epoch on a batch of rows, going on from where the estimator stands.

        ``n`` calls with the same rows do what ``fit`` does in ``n`` epochs, to the bit. The penalty counts the rows of
        the call. Schedules run over ``max_iter`` calls, and then begin anew.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes there will be; needed in the first call.
        validation_data : (X, y) or (X, y, sample_weight), default=None
            Rows to score after the call. With ``early_stopping=True``, once more than ``n_iter_no_change`` calls in a
            row have not improved the score by ``tol``, the best call's parameters are back and ``status_`` is
            ``"converged"``.

        Returns
        -------
        self
            The estimator, one epoch on.
        """
        if self.early_stopping and validation_data is None:
            raise InputError(
                "partial_fit does not support early_stopping=True without validation_data=: "
                "rows set aside in one call would be trained on in another"
            )
        if isinstance(self.class_weight, str):
            raise InputError(f"class_weight={self.class_weight!r} needs all rows at once: give a weight per class")
        go_on = self._has_parameters()
        options = self._options(go_on)
        rows, targets = self._check_rows_and_targets(X, y, reset=not go_on)
        known = self._classes_of_stream(targets, classes)
        problem = self._pose(options, rows, targets, known, sample_weight, validation_data, aside=False)
        fit = self._train(problem, options, [*self._told(), _end_of_epoch], go_on=go_on, checkpoint=None)
        best = options.early_stopping and fit.converged
        self._keep(fit, fit.parameters if best else fit.state.parameters, problem)
        self.n_iter_ = 1
        if fit.status == "interrupted":
            self._say_how_it_ended(fit, options)
        return self

    # ---- before training

    def _options(self, go_on: bool) -> NetworkOptions:
        """Return the parameters as the training's options; it checks them."""
        names = {entry.name for entry in fields(NetworkOptions)}
        given = {name: value for name, value in vars(self).items() if name in names}
        known = isinstance(self.monitor, str) and self.monitor in OWN_SCORES
        given["monitor"] = self.monitor if known else getattr(self.monitor, "__name__", str(self.monitor))
        return NetworkOptions(**{**given, "seed": self._seed(go_on)})

    def _seed(self, go_on: bool) -> int:
        """Return the seed: of the run that goes on, else drawn from ``random_state``."""
        if go_on and "_state" in vars(self):
            return int(self._state.seed)
        if self.random_state is None and self.resume and self.checkpoint and Path(self.checkpoint).exists():
            return int(load_checkpoint(self.checkpoint).seed)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _check_rows_and_targets(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Array]:
        rows, y = validate_data(
            self, X, y, accept_sparse="csr", multi_output=True, dtype=_FLOATS, order="C", reset=reset
        )
        return rows, check_targets(y)

    def _pose(
        self,
        options: NetworkOptions,
        rows: Any,
        targets: Array,
        classes: Array,
        sample_weight: Any,
        validation_data: Any,
        *,
        aside: bool,
    ) -> _Problem:
        """Encode and weigh the rows, set some aside if that is asked for, and make the graph for the others."""
        kind = kind_of_targets(targets, classes)
        if classes is vars(self).get("classes_") and (kind == "multilabel") != (self._kind() == "multilabel"):
            kind = self._kind()  # which these targets are not: encoding them says so
        labels = encode_targets(targets, classes, kind)
        weights = self._row_weights(sample_weight, rows, labels, classes, kind)
        training_rows = validation = None
        if validation_data is not None:
            validation = self._check_validation(validation_data, rows.dtype, classes, kind)
        elif options.early_stopping and aside and options.solver != "lbfgs":
            training_rows, validation = set_aside(rows, labels, weights, kind, options)
        n_rows = len(labels) if training_rows is None else len(training_rows)
        if options.batch_size != "auto" and int(options.batch_size) > n_rows and options.solver != "lbfgs":
            warnings.warn(
                f"batch_size={options.batch_size} is larger than the {n_rows} rows: a batch holds them all",
                stacklevel=4,
            )
        mass = total_weight(labels, weights, training_rows)
        graph = self._make_graph(options, rows.shape[1], len(classes), kind, mass)
        return _Problem(rows, labels, weights, training_rows, classes, kind, validation, graph)

    def _row_weights(
        self, sample_weight: Any, rows: Any, labels: IntArray, classes: Array, kind: TargetKind
    ) -> Float64Array | None:
        """Return sample weight times class weight, (n_samples,) float64; None where each row counts once."""
        weights: Float64Array | None = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
        if self.class_weight is not None and kind == "multilabel":
            raise InputError("class_weight is for one label a row: weigh rows with several labels by sample_weight")
        factors = class_weights(self.class_weight, labels, classes, weights)
        if factors is not None:
            weights = factors if weights is None else factors * weights
        if weights is not None and not weights.sum() > 0.0:
            raise InputError("all rows have weight 0: give at least one row of sample_weight a positive weight")
        return weights

    def _check_validation(
        self, validation_data: Any, dtype: np.dtype[Any], classes: Array, kind: TargetKind
    ) -> Validation:
        X, y, weights = unpack_validation(validation_data)
        rows, y = validate_data(self, X, y, accept_sparse="csr", multi_output=True, dtype=dtype, order="C", reset=False)
        labels = encode_targets(check_targets(y), classes, kind)
        if weights is not None:
            weights = _check_sample_weight(weights, rows, dtype=np.float64, ensure_non_negative=True)
        return Validation(rows, labels, weights)

    def _same_classes(self, targets: Array) -> Array:
        """Return the classes of the last fit; raises `InputError` if these are others."""
        classes = learn_classes(targets)
        if not np.array_equal(classes, self.classes_):
            raise InputError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {classes}"
            )
        return self.classes_

    def _classes_of_stream(self, targets: Array, classes: Any) -> Array:
        """Return the classes that the first call of `partial_fit` (or `fit`) named."""
        named = None if classes is None else np.unique(np.asarray(classes))
        if not hasattr(self, "classes_"):
            if named is None:
                raise InputError("the first call of partial_fit needs classes=: all labels there will be")
            return named
        if named is not None and not np.array_equal(named, self.classes_):
            raise InputError(f"classes changed: the first call named {self.classes_}, this one {named}")
        return self.classes_

    # ---- training

    def _train(
        self,
        problem: _Problem,
        options: NetworkOptions,
        callbacks: Sequence[EpochCallback],
        *,
        go_on: bool,
        checkpoint: Checkpoint | None,
    ) -> NetworkFit:
        score, validation = None, problem.validation
        if validation is not None:
            judged = self._fitted_with(problem, np.zeros(problem.graph.parameters.size))
            truth = restore_targets(validation.labels, problem.classes, problem.kind)
            score = make_score(self.monitor, self, judged, validation, truth)
        start = self._current_start(problem) if go_on else None
        return fit_network(
            problem.rows,
            problem.labels,
            problem.graph,
            options if validation is not None else replace(options, early_stopping=False),
            rows=problem.training_rows,
            sample_weight=problem.weights,
            start=start,
            state=None if start is None else self._state_to_go_on_from(start, options, validation),
            validation=validation,
            score=score,
            callback=tell_all(callbacks),
            checkpoint=checkpoint,
            resume=bool(self.resume),
        )

    def _told(self) -> list[EpochCallback]:
        callbacks = check_callbacks(self.callbacks)
        return [print_epochs, *callbacks] if self.verbose else callbacks

    def _checkpoint(self) -> Checkpoint | None:
        if self.checkpoint is None:
            if self.resume:
                raise InputError("resume=True needs checkpoint=, the file to go on from")
            return None
        return Checkpoint(self.checkpoint, every_epochs=self.checkpoint_every)

    def _current_start(self, problem: _Problem) -> Array:
        """Return the parameters as they stand now, which may have been set by hand, in the rows' dtype."""
        names = self._parameter_names(problem.graph)
        shown = self._shown()
        if len(shown) != len(names):
            raise InputError(
                f"the network has {len(names)} parameter arrays, the estimator holds {len(shown)}: it goes on only "
                "with the layers that it has; set warm_start=False to begin anew"
            )
        arrays = dict(zip(names, shown, strict=True))
        return problem.graph.parameters.flatten(arrays, dtype=problem.rows.dtype.type)

    def _state_to_go_on_from(
        self, start: Array, options: NetworkOptions, validation: Validation | None
    ) -> RunState | None:
        """Return the last run's state with the parameters as they stand now; None for another optimizer's."""
        last: RunState | None = vars(self).get("_state")
        if last is None or last.solver != options.solver or last.parameters.shape != start.shape:
            return None
        over = last.finished or last.epoch >= last.first_epoch + options.max_iter
        state = last.renewed() if over else replace(last.copy(), batch=0, batch_losses=[])
        kept = np.float64 if options.solver == "lbfgs" else start.dtype
        state.parameters, state.slots = start.astype(kept), state.slots.astype(kept)
        if validation is None:  # the best of rows that are no longer watched says nothing of this run
            state.best_parameters, state.best_score, state.best_epoch = None, -inf, 0
            state.validation_losses, state.validation_scores = [], []
        return state

    def _say_how_it_ended(self, fit: NetworkFit, options: NetworkOptions) -> None:
        if fit.status == "interrupted":
            warnings.warn(f"interrupted after {fit.n_iter} epochs; the fit so far is kept", stacklevel=4)
        elif fit.status == "max_iter":
            limit = f"max_iter={options.max_iter}"
            if options.solver == "lbfgs" and fit.n_iter < options.max_iter:
                limit = f"max_fun={options.max_fun}"
            warnings.warn(
                f"{options.solver} reached {limit} and has not converged to tol={options.tol:g} yet. Increase "
                f"{limit.split('=')[0]}, or standardise the columns.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _fitted_with(self, problem: _Problem, parameters: Array) -> dict[str, Any]:
        """Return the attributes with which this estimator predicts from these parameters."""
        flat = np.array(parameters, dtype=problem.rows.dtype)
        network = TrainedNetwork(problem.graph, flat, self._parameter_names(problem.graph))
        logistic = network.one_logit or problem.kind == "multilabel"
        return {
            "_graph": problem.graph,
            "_network": network,
            "classes_": problem.classes,
            "n_outputs_": 1 if network.one_logit else len(problem.classes),
            "out_activation_": "logistic" if logistic else "softmax",
            **self._show(network),
        }

    def _keep(self, fit: NetworkFit, parameters: Array, problem: _Problem) -> None:
        """Set the fitted attributes."""
        for name, value in self._fitted_with(problem, parameters).items():
            setattr(self, name, value)
        run, watched = fit.state, problem.validation is not None
        self._state = run
        self._record = fit.to_record()
        self.status_ = fit.status
        self.t_ = run.rows_seen
        self.loss_curve_ = list(fit.loss_curve)
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else nan
        self.best_loss_ = None if self.early_stopping and watched else run.best_loss
        self.validation_losses_ = list(run.validation_losses) if watched else None
        self.validation_scores_ = list(run.validation_scores) if watched else None
        self.best_validation_score_ = run.best_score if watched else None
        self.best_epoch_ = run.best_epoch if watched else None


def _end_of_epoch(progress: EpochProgress) -> bool:
    """Stop after one epoch."""
    return progress.epoch_done
