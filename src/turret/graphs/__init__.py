"""Graphs, and what models do over them, on tensors of any device; no matrix is ever dense.

- `propagation`: a constant sparse matrix times vectors; `edges`: the normalised adjacency matrices of a graph, or of some of its edges, as
  such; `dropping`: which edges those are, at random.
- `bipartite`: the graph of users and items, and layers of propagation over it; `matrix`: its entries as a SciPy matrix; `cooccurrence`: the
  graph of items that the same users chose.
- `relations`: typed edges of knowledge graphs, alone and joined with users; `segments`: sums and softmaxes over each node's edges;
  `aggregation`: sums of neighbours' vectors with weights that a model computes.
- `neighbours`, `ripples`: samples of fixed size of what is around nodes, and around what users chose.
- `hypergraph`: edges that join many nodes; `motifs`: adjacency by triangles among users and items.
"""
