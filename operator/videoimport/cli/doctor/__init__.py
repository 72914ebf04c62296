"""`doctor`: checks of what usually goes wrong, each with its solution."""
