"""The shell that any Shopify app needs."""

import gc

# A start makes half a million objects that stay, and so does a busy request for a while: with Python's own 700 a sixth
# of a start goes into looking for garbage among them.
gc.set_threshold(10_000)
