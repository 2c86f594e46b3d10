"""Top floor: the command `course`; its commands are in `main`."""
