"""The pod's side: fetches, examines, transcodes, verifies and uploads one video. It has a task and a report, and no
access to the cluster."""
