"""A small durable server of Google's Pub/Sub gRPC API for the stack without Docker.

Clients are google-cloud-pubsub, unchanged, with PUBSUB_EMULATOR_HOST set. One event loop owns all
state, so nothing here takes a lock; what was answered survives a killed process (see `journal`).
"""
