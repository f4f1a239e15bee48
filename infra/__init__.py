"""The cloud as code, and the whole system on one machine."""
