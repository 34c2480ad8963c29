"""The operations: one short function each. None validates, authorises, logs or writes.

A function gets the call and its roles' records and returns AWS's answer. What the API model does
not say (limits, defaults, exclusive members) stands in the operation's own function.
"""
