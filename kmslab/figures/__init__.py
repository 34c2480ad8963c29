"""Every picture of the course, drawn from live objects: what really happened, with its real sizes.

`watch(program, …)` makes a call and keeps what crossed the wall, `outside(program, …)` what a
program did without a KMS; `wall(…)` draws both. `blob_map(blob)` draws a ciphertext blob, and
`signatures(report, *keys)` how large signatures are. `life(key)` draws a key's states and the way
it has taken, `operations(key)` what works in which state, `materials(key, blob, …)` what a rotation
changed, `bill(lab.bill())` what a month costs. A notebook shows a picture that is a cell's last
line.
"""

from kmslab.figures.bill import bill
from kmslab.figures.blob_map import blob_map
from kmslab.figures.canvas import Picture
from kmslab.figures.life import life
from kmslab.figures.materials import materials
from kmslab.figures.operations import operations
from kmslab.figures.outside import outside
from kmslab.figures.signatures import signatures
from kmslab.figures.wall import wall
from kmslab.figures.watch import Watched, watch

__all__ = [
    "Picture",
    "Watched",
    "bill",
    "blob_map",
    "life",
    "materials",
    "operations",
    "outside",
    "signatures",
    "wall",
    "watch",
]
