"""From the models in ``api`` to the CustomResourceDefinitions in ``crds/``: ``python -m videoimport.crdgen``."""
