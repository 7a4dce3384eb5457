"""The object store of the embedded stack: the part of Google Cloud Storage's API that we use, refusing what it refuses."""
