"""The cluster's side: watches, caches, lets ``core`` decide, and acts. Home of kopf and the cluster client.

``handlers`` and ``relist`` fill the ``store``. A change there puts its owner's key into the ``queue``. ``sync`` takes a
key, lets a pure function decide, and executes the plan. Whatever ends one of them ends the process: a restart is the
one way to recover, so it is the one that is tested.
"""
