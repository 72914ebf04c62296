"""Jobs and pods: how the controller makes Jobs, and which outcome follows from the end of a Job or pod. This folder
has the code that the Jobs of all tasks share. The folders of the two kinds decide the next step."""
