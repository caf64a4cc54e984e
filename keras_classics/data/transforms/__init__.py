"""(image, seed) -> image: crops, sizes, colours and distortions."""
