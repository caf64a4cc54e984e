"""`python -m keras_classics` is `keras-classics`."""

from keras_classics.cli.main import main

main()
