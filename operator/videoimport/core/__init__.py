"""Decisions about both kinds, as pure functions over observed state.

Add what every kind needs: views of objects, plans, conditions, names, limits. What only one kind needs has
a folder of its own. No I/O, no clock, no randomness: time and names are arguments.
"""
