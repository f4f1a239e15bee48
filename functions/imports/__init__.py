"""Whole catalogs that come in and go out as files: opened over HTTP, carried out by workers."""
