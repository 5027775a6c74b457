"""Hostile input in any number: `python -m tests.fuzz --minutes 10`; the tests try a little."""
