"""The HTTP way in: AWS's own clients, unchanged, find the service at an address.

It promises that only a request with a valid signature reaches the service, as the caller who signed
it. Read `claims.py` (what a request says about its signer), `sigv4.py` (whether that is true),
`application.py` (from request to answer), `turns.py` (which caller is next), then `server.py` and
`connections.py` (sockets, TLS).
`lab_api.py` answers what AWS KMS does not; `other_services.py` refuses requests to other services.
"""
