"""media: files of stores in the object store, signed URLs to put and read them, and what they are attached to."""
