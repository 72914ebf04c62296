"""For tests of core: builders of what a decision sees, and a cluster that is simulated in memory."""
