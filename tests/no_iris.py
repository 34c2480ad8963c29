"""A plugin of pytest that saves each process of `make test` some seconds before its first test.

jsonschema, which nbval needs, compiles a grammar for IRIs when it is imported. No test has an IRI.
"""

import sys

sys.modules["rfc3987_syntax"] = None  # as if it were not installed
