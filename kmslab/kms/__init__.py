"""The service: what AWS KMS does, from a checked request to the stored change and its event.

It promises AWS's behaviour, down to the error texts. A call goes one way: `wire` or a client →
`service` → `operations` → `backing`, and the service alone commits to the `store`. The evening's
reading is, in this order: `table.py`, `call.py`, `names.py`, `service.py`, `backing/hsm.py`,
`contract/states.py`, `operations/encryption.py`, `operations/datakeys.py`. After it `access/` (may
this caller do that?), `store/`, and what is read from the events: `audit`, `billing`, `reports`.
"""
