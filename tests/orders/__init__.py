"""Orders: placing, reading, canceling, fulfilling, and the link of a guest."""
