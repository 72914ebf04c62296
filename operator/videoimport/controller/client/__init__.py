"""Access to the cluster's API with the ``kubernetes`` library. Only this package and the leader election use that
library."""
