"""Generator of the CustomResourceDefinitions in ``crds/`` from the models in ``api``: ``python -m
videoimport.crdgen``."""
