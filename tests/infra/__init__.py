"""The cloud half: what is synthesized, what is shipped, and that what is shipped runs."""
