"""What the `kmslab` command does for a KMS: serve one, and look into one.

A module a concern: `sources` finds the KMS, `serve` opens an endpoint, `keys`, `trail`, `bill` and
`explain` look. Each is a plain function, which `kmslab.cli` registers.
"""
