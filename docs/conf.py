"""Sphinx configuration: guide in Markdown, reference from the docstrings."""

from importlib import metadata

project = "chainrule"
copyright = "2026, the chainrule developers"
release = version = metadata.version("chainrule")
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
]
myst_enable_extensions = ["colon_fence", "dollarmath", "html_image"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
autosummary_generate = True
autodoc_typehints = "none"
html_theme = "furo"
html_title = "chainrule"
exclude_patterns = ["_build"]
# Docstrings of inherited methods refer to labels of scikit-learn's own guide.
suppress_warnings = ["ref.ref"]
