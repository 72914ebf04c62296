"""`doctor`: checks for usual problems, each with its solution."""
