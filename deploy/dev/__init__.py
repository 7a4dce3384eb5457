"""The whole mesh on one machine without Docker: real parts from wheels, one supervisor. Started by `marketmesh dev`."""
