"""The two resources with their reasons and conditions, the tasks of workers, and the reports of workers.

The only external library of this package is pydantic.
"""
