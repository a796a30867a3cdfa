"""The scenes: each runs, and gives a `Report`."""
