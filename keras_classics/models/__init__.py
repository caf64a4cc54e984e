"""One file per paper; each holds the builders of its networks."""
