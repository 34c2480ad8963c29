"""`kmslab encrypt`, `decrypt` and `inspect`: `kmslab.envelope` for files, folders and pipes.

They promise that a target appears whole or not at all, that each file which cannot be done is one
line on stderr and does not stop the others, and that nothing is replaced unless `--overwrite` says
so. Read `commands.py`, which has the subcommands, and `options.py`; `plan.py`, which files become
which; `wrapping_keys.py`, from `--key` to keyrings; `one_file.py`, how a file is done; `run.py`,
how all of them are, with `failures.py` (an error as a line) and `meter.py` (the progress bar); then
`inspection.py`.
"""
