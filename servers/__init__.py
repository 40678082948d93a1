"""Real servers on loopback, from the development packages: PostgreSQL, Valkey and S3 for tests, benchmarks and the demo.

Each keeps its data in a folder of its own that goes away with it, and dies with the process that started it.
"""
