"""``chainrule graph``: what a model computes, as a table or a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli import screen
from chainrule.cli.arguments import ModelPath, check_outputs


def graph(
    model: ModelPath,
    svg: Annotated[
        bool, typer.Option("--svg", help="Draw it, forward and backward lane, instead of listing the nodes.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Where the SVG goes; stdout if left out.", show_default=False),
    ] = None,
) -> None:
    """Show what a model computes, node by node."""
    from chainrule.files import load_model
    from chainrule.files.atomic import replacing

    if output is not None:
        if not svg:
            raise typer.BadParameter(f"a FILE is for the picture: add --svg to write it to '{output}'")
        check_outputs([output], [model])
    loaded = load_model(model)
    if not svg:
        screen.show(screen.plain_text(loaded.graph.table()))
        return
    picture = loaded.graph.to_svg()
    if output is None:
        sys.stdout.write(picture.rstrip("\n") + "\n")
        return
    with replacing(output) as temporary:
        temporary.write_text(picture, encoding="utf-8")
    screen.tell(f"The graph is drawn in {output}")
