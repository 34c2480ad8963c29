"""The operations: one short function each. None validates, authorises, logs or writes.

A function takes the call and its roles' records and returns AWS's answer. It also applies what the
API model does not state: limits, defaults, members that exclude each other. `encryption` and
`datakeys` are a good start.
"""
