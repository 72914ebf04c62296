"""The pod's side: fetches, examines, transcodes, verifies, uploads one video. Knows a task and a report, no cluster."""
