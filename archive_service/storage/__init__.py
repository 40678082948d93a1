"""Object stores behind one protocol: a folder when embedded."""
