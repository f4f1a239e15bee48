"""The tests, which mirror shared, functions and infra."""
