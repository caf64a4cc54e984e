"""The networks, trained to a figure: what ran, what came out, and what it says of the papers."""
