"""The two towers as Flax modules, and the one dense layer that they are made of."""
