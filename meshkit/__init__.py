"""The shared chassis of the eight services. It knows no service."""
