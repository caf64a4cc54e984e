"""Pixels: where they come from and what happens to them before the network."""
