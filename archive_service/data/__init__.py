"""The seed of the definitions, and the sample documents of the demonstration; read through importlib.resources."""
