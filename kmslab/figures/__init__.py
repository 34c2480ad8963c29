"""Every picture of the course, drawn from live objects: what really happened, with its real sizes.

`watch(program, …)` makes a call and keeps what crossed the wall, `outside(program, …)` what a
program did without a KMS; `wall(…)` draws both. `follow(program, …)` keeps every call of a program
that works with data keys, and `swimlane(…)` draws them. `blob_map(blob)` draws a ciphertext blob,
and `signatures(report, *keys)` how large signatures are. `life(key)` draws a key's states and the
way it has taken, `operations(key)` what works in which state, `materials(key, blob, …)` what a
rotation changed, `bill(lab.bill())` what a month costs. `kinds(lab)` tries the three kinds of key.
`times`, `wings` and `searches` draw what was timed. A notebook shows a picture that is a cell's
last line.
"""

from kmslab.figures.bill import bill
from kmslab.figures.blob_map import blob_map
from kmslab.figures.canvas import Picture
from kmslab.figures.follow import Followed, follow
from kmslab.figures.kinds import kinds
from kmslab.figures.life import life
from kmslab.figures.materials import materials
from kmslab.figures.operations import operations
from kmslab.figures.outside import outside
from kmslab.figures.signatures import signatures
from kmslab.figures.swimlane import swimlane
from kmslab.figures.timings import Cloud, Mark, Timings, searches, times, wings
from kmslab.figures.wall import wall
from kmslab.figures.watch import Watched, watch

__all__ = [
    "Cloud",
    "Followed",
    "Mark",
    "Picture",
    "Timings",
    "Watched",
    "bill",
    "blob_map",
    "follow",
    "kinds",
    "life",
    "materials",
    "operations",
    "outside",
    "searches",
    "signatures",
    "swimlane",
    "times",
    "wall",
    "watch",
    "wings",
]
