"""Offline verification of bundles: standard library and the domain alone."""
