"""The `kmslab` command: serve a KMS, look into one, encrypt files with one, and open the course.

It promises one line for every mistake, and the same answers from a store and from an endpoint.
`app.py` registers a plain function for each subcommand; `options.py` has what they share;
`opening.py` opens the KMS that they ask; `sealing/` encrypts and decrypts files.
"""
