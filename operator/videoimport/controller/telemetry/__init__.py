"""What operators see of the controller: logs, health, metrics.

Nothing here changes what the controller does.
"""
