"""Organizations and their members, over HTTP: who may do what, and who may say so."""
