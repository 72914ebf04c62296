"""For tests of the controller: its process, fakes of the kubelet and of workers, and a proxy of the API server."""
