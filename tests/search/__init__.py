"""Tests of shared/search and functions/search."""
