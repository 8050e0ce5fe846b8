"""The page's frame: an HTML document around the front end."""

from __future__ import annotations

from string import Template

DOCUMENT = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>chainrule board</title>
<link rel="icon" href="data:,">
$head
</head>
<body>
<main id="board" class="chainrule-board">$body</main>
</body>
</html>
""")
LOADED = '<link rel="stylesheet" href="/board.css">\n<script type="module" src="/board.js"></script>'


def page(body: str | None = None) -> str:
    """Return the document: with the front end, or with ``body`` (HTML) in its place."""
    return DOCUMENT.substitute(head=LOADED if body is None else "", body=body or "")
