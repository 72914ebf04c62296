"""The two resources with their reasons and conditions, the tasks of workers, and the reports of workers.

Of external libraries, this package uses only pydantic.
"""
