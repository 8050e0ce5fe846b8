"""The parts of a graph's picture; `chainrule.graph.layout` and `chainrule.graph.draw` put them together."""
