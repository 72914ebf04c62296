"""The worker: the process in a pod that imports one video, lists one page of a list, or delivers one webhook message.

The worker reads a task and writes a report. The worker has no access to the Kubernetes API.
"""
