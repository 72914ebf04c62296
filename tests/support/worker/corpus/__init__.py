"""A media corpus made by script from real footage, and what must come of each file."""
