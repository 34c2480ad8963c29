"""Measurements: what things cost on this computer, each beside what it is compared with.

`wrapping.py` measures what wrapping a data key costs, for lesson 08: `wrapping.run()`. It is built
of the others, in order of reading: `methods.py` lists the methods, `with_cryptography.py` and
`with_pycryptodome.py` have each of them in one library, `measuring.py` times them fairly,
`progress.py` shows how far it is, `summary.py` has the statistics, `machine.py` describes the
computer, and `result.py` holds, shows and draws what was measured (JSON: `wrapping.schema.json`).

`sealing.py` compares Encrypt for each piece of some data with one data key for all of it.

Three programs measure kmslab itself and print JSON: `in_process.py` a call in this process,
`over_http.py` a call to the endpoint, `envelope_stream.py` the message format.
"""
