"""`upload`: sends files of this machine to workers, through the API server."""
