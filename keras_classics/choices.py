"""The words that arguments and their flags choose from: known before anything heavy is imported."""

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
STRATEGIES = ("auto", "none", "mirrored", "data_parallel", "two_towers", "multi_machine")
TUNERS = ("hyperband", "random", "bayesian")
