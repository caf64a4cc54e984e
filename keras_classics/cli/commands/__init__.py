"""The commands of `keras-classics` that look at what is there: runs, models, claims."""
