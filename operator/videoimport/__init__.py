"""Brings videos into a company's own storage on Kubernetes.

The parts, each with one purpose. ``api``: the two resources, and a worker's tasks and reports. ``core``: decisions.
``media``: argument lists and parsers. ``controller``: the cluster's side. ``worker``: the pod's side. ``crdgen``.
"""
