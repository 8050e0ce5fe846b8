"""Every error chainrule raises on purpose.

::

    ChainruleError
    ├── InputError (ValueError)        what came in cannot be used
    │   ├── TableError                 a table cannot be read, or lacks what is needed
    │   ├── GraphError                 a graph is not well formed
    │   │   └── ShapeError             shapes do not fit at a named node
    │   └── ModelFileError             a model file cannot be trusted or understood
    ├── UnsupportedError (ValueError)  well formed, but no kernel or solver covers it
    ├── NonFiniteError (ValueError)    a value or gradient became NaN or infinite
    └── MissingDependencyError (ImportError)  an optional library is not installed

A message says where it went wrong, what came, what is needed and what to do next.
"""


class ChainruleError(Exception):
    """Base of all errors that chainrule raises on purpose."""


class InputError(ChainruleError, ValueError):
    """What came in cannot be used."""


class TableError(InputError):
    """A table cannot be read, or lacks what is needed."""


class GraphError(InputError):
    """A graph is not well formed."""


class ShapeError(GraphError):
    """Shapes do not fit at a named node."""


class ModelFileError(InputError):
    """A model file cannot be trusted or understood."""


class UnsupportedError(ChainruleError, ValueError):
    """Well formed, but no kernel or solver covers it."""


class NonFiniteError(ChainruleError, ValueError):
    """A value or gradient became NaN or infinite."""


class MissingDependencyError(ChainruleError, ImportError):
    """An optional library is needed here and is not installed."""
