"""Tests of the running system, from outside."""
