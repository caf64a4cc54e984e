"""(picture, seed) -> picture: crops, sizes, colours and distortions."""
