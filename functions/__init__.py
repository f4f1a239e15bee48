"""What AWS calls: one package a domain; thin handlers that parse, call one capability and present."""

import gc

# A start makes many objects and next to no garbage: to look for it at every 2,000 of them, as Python does by itself,
# takes a twenty-fifth of a cold start.
gc.set_threshold(100_000, *gc.get_threshold()[1:])
