"""`find`: whether a destination already has a video, and where."""
