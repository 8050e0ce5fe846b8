"""Training of N-layer networks, measured beside its peers.

The parts, in the order in which a figure comes about: `problems` says what is trained, `peers` how each library trains
it, `worker` is the process a peer lives in, `lineup` lets the workers take turns and makes sure that they do equal
work, `figures` turns times into medians and ratios, `tables` and `plots` show them. `grid`, `predict`, `products`,
`first_fit`, `memory`, `leak` and `kill` are the measurements; `python -m benchmarks.networks` runs them.
"""
