"""Helpers that more than one file of tests uses: builders, fakes, servers and harnesses. No tests, and no test modules.

What one layer alone uses lies in the folder of that layer.
"""
