"""The service: what AWS KMS does, from a checked request to the stored change and its event.

It promises AWS's behaviour, down to the error texts. A call goes one way: `wire` or a client →
`service` → `operations` → `backing`, and `changes` alone commits to the `store`. The evening's
reading is, in this order: `table.py`, `call.py`, `names.py`, `service.py`, `backing/hsm.py`,
`contract/states.py`, `operations/encryption.py`, `operations/datakeys.py`.

Then: `admission` and `access/` (may this call run?), `own_acts` (what the service does by itself),
`changes` and `store/`, and what is made of the events: `audit`, `billing`, `reports`.
"""
