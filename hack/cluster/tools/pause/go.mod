module example.invalid/videoimport/tools/pause

go 1.25.0

tool example.invalid/videoimport/tools/pause
