"""Stock: for merchants, and the work of the clock on it."""
