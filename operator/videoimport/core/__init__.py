"""Decisions about VideoImports and BulkImports, as pure functions over observed state.

The files of this folder have the code that both kinds need: views of objects, plans, conditions, names and limits.
Code that only one kind needs has a folder of its own. The package has no I/O, no clock and no randomness: time and
names are arguments.
"""
