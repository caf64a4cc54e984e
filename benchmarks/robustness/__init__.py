"""Bad inputs of the command lines, what is done with each, and whether what comes is clear."""
