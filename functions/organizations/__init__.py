"""Organizations, their members and what these may do, over HTTP."""
