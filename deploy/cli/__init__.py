"""The `marketmesh` command line. One module per command, registered in main."""
