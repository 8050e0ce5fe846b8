"""The N-layer network with scikit-learn's contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from chainrule._typing import Array
from chainrule.estimators.network_estimator import NetworkEstimator
from chainrule.estimators.targets import TargetKind
from chainrule.estimators.trained import TrainedNetwork
from chainrule.graph import Graph
from chainrule.training import NetworkOptions, build_network


class MLPClassifier(NetworkEstimator):
    """N-layer network: X -> Z1 -> A1 -> ... -> ZN -> p, trained by backward propagation.

    A drop-in for scikit-learn's ``MLPClassifier``: the parameters and attributes that it has are those here, with the
    same defaults and meanings, and there are more. Like there, columns are not standardised: do that first. A fit is a
    function of data, parameters and ``random_state``, bit for bit, for any number of threads.

    Two meanings differ. The penalty ``alpha`` counts all training rows, whatever ``batch_size`` is (there the rows of a
    batch: for the same penalty on batches of B out of n rows multiply by n / B). Weights start as the activation asks
    for, and biases at 0; ``initialization="sklearn"`` draws them as there.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, default=(100,)
        Units of each hidden layer; () for none.
    activation : str or sequence of str, default="relu"
        Of the hidden layers, one for all or one each: relu, leaky_relu, tanh, sigmoid (or logistic), gelu, silu, selu,
        identity.
    solver : {"sgd", "adam", "adamw", "rmsprop", "adagrad", "lion", "lbfgs"}, default="adam"
        How parameters move; ``lbfgs`` looks at all rows at once. Formulas: `chainrule.engine.UpdateRule`.
    alpha : float, default=1e-4
        Strength of the L2 penalty: the loss gains alpha / (2 S) sum ||W||^2, S the weight of all training rows.
    batch_size : int or "auto", default="auto"
        Rows of a batch; ``"auto"`` takes min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        For sgd; `schedule` has more, for all.
    learning_rate_init : float, default=1e-3
        The learning rate.
    power_t : float, default=0.5
        Of ``invscaling``.
    max_iter : int, default=200
        Epochs, or iterations of lbfgs.
    shuffle : bool, default=True
        Whether each epoch visits the rows in an order of its own.
    random_state : int, RandomState or None, default=None
        For the start, the order of rows, dropout, and the rows that are set aside.
    tol : float, default=1e-4
        Training has converged once more than ``n_iter_no_change`` epochs in a row failed to better the training loss,
        or with early stopping the validation score, by this. For lbfgs it bounds the gradient's largest entry.
    verbose : bool, default=False
        Print a line per epoch.
    warm_start : bool, default=False
        Go on from the last fit: its parameters, its optimizer if it is the same, its history.
    momentum : float, default=0.9
        Of sgd.
    nesterovs_momentum : bool, default=True
        Whether sgd's momentum is Nesterov's.
    early_stopping : bool, default=False
        Whether validation rows decide when to stop; ``fit`` takes them, or sets ``validation_fraction`` of its rows
        aside.
    validation_fraction : float, default=0.1
        See there.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999, 1e-8
        Of adam and its kin.
    n_iter_no_change : int or inf, default=10
        See ``tol``.
    max_fun : int, default=15000
        Evaluations of the loss by lbfgs.
    dropout : float or sequence of float, default=0.0
        Rate at which hidden activations are dropped in training, one for all layers or one each.
    class_weight : dict, "balanced" or None, default=None
        A factor per class on its rows' weights.
    label_smoothing : float, default=0.0
        The share of each target that is spread over all classes.
    initialization : str, default="auto"
        How parameters start; see `chainrule.graph.initialize`.
    schedule : str, mapping, callable or None, default=None
        A factor on the learning rate: step, cosine, one_cycle, inverse_scaling, reduce_on_plateau, constant, as a name
        or as a mapping, ``{"name": "cosine", "warm_up": 0.1}``, or a function of the step.
    weight_decay : float or None, default=None
        Decoupled from the gradient, on weights and not on biases; None is 0.01 for adamw and 0 otherwise.
    clip_norm : float or None, default=None
        Longest gradient; a longer one is scaled down to it.
    skip_connections : bool, default=False
        Whether a layer's input is added to its output where the shapes agree.
    monitor : str or callable, default="accuracy"
        What is watched on validation rows: ``"loss"``, a scorer of scikit-learn's by name, or a function
        (estimator, X, y) -> float, larger being better.
    callbacks : callable, sequence of callables or None, default=None
        Told of every epoch, and about ten times a second within long ones, by a `chainrule.solvers.EpochProgress`; one
        that returns True stops the run. scikit-learn's own callbacks are set by ``set_callbacks``.
    checkpoint : path or None, default=None
        File in which the run is kept as it goes.
    checkpoint_every : int, default=1
        Epochs between two writes.
    resume : bool, default=False
        Go on from the checkpoint, if there is one, to the same bits as a run that never stopped.
    n_threads : int, default=0
        Threads; 0 uses all cores. The result does not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; for several labels a row the columns' numbers.
    coefs_ : list of ndarray, one per layer
        Weights, (in, out) each, in the dtype of the data. They may be written to and replaced: predictions and
        ``partial_fit`` follow.
    intercepts_ : list of ndarray, one per layer
        Biases, likewise.
    loss_ : float
        Mean loss of the last epoch's batches (nats, penalty included).
    loss_curve_ : list of float
        Of every epoch.
    best_loss_ : float or None
        The lowest of them; None with early stopping.
    validation_scores_, validation_losses_ : list of float or None
        Of the validation rows after every epoch, if there are any.
    best_validation_score_ : float or None
        The highest score.
    best_epoch_ : int or None
        Where it was reached, counted from 1; its parameters are the ones kept.
    status_ : {"converged", "max_iter", "stopped", "interrupted"}
        Why training ended; ``stopped`` by a callback, ``interrupted`` by Ctrl-C.
    t_ : int
        Rows trained on, all epochs together.
    n_iter_ : int
        Epochs of the last call, or iterations of lbfgs.
    n_layers_ : int
        Layers, input and output included.
    n_outputs_ : int
        Columns of the last layer: one for two classes.
    out_activation_ : {"softmax", "logistic"}
        Of the last layer: logistic for two classes and for several labels a row.
    n_features_in_ : int
        Columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where all are strings.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from chainrule import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier((16,), solver="lbfgs", alpha=0.1, random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), network).fit(X, y)
    >>> pipeline.score(X, y) > 0.97
    True
    >>> [weights.shape for weights in network.coefs_]
    [(4, 16), (16, 3)]
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float | Sequence[float] = 0.0,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        label_smoothing: float = 0.0,
        initialization: str = "auto",
        schedule: str | Mapping[str, Any] | Callable[[int], float] | None = None,
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        skip_connections: bool = False,
        monitor: str | Callable[..., float] = "accuracy",
        callbacks: Any = None,
        checkpoint: str | Path | None = None,
        checkpoint_every: int = 1,
        resume: bool = False,
        n_threads: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.initialization = initialization
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.skip_connections = skip_connections
        self.monitor = monitor
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.resume = resume
        self.n_threads = n_threads

    def _make_graph(
        self, options: NetworkOptions, n_features: int, n_classes: int, kind: TargetKind, mass: float
    ) -> Graph:
        if kind == "binary":
            n_classes = 2  # also where only one of them came
        return build_network(n_features, n_classes, options, mass=mass, multilabel=kind == "multilabel")

    def _graph_of_shown(self) -> Graph:
        options = self._options(go_on=False)
        return self._make_graph(options, self.n_features_in_, len(self.classes_), self._kind(), 1.0)

    def _parameter_names(self, graph: Graph) -> list[str]:
        layers = range(1, len(graph.parameters) // 2 + 1)
        return [f"W{layer}" for layer in layers] + [f"b{layer}" for layer in layers]

    def _shown(self) -> Sequence[Array]:
        return (*self.coefs_, *self.intercepts_)

    def _show(self, network: TrainedNetwork) -> dict[str, Any]:
        layers = len(network.views) // 2
        return {
            "coefs_": list(network.views[:layers]),
            "intercepts_": list(network.views[layers:]),
            "n_layers_": layers + 1,
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
