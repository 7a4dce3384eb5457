"""What the command line, the tests and the benchmarks share: ways to reach, drive, watch and prove a mesh.

It knows the embedded stack and the contracts, and neither a command nor a test. Services never import it.
"""
