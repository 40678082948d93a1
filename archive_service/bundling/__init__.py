"""Bundles: the frozen plan and the writer."""
