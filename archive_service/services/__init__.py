"""Use cases: one function each; each owns its transaction and knows nothing of Flask."""
