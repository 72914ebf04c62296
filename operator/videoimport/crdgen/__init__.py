"""From the models in ``api`` to the CustomResourceDefinitions in ``crds/``. Run it as ``python -m videoimport.crdgen``."""
