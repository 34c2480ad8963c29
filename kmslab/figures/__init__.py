"""Pictures of what really happened, drawn from live objects with their real sizes and times.

A notebook shows a picture that is a cell's last line, and below it a caption that repeats every
number and is the picture's text for screen readers. In order of reading: `canvas.py` has the rules
for every picture, `html.py` how it is shown. Then, by subject:

- *calls against the wall*: `watch(program, …)` makes a call and keeps what crossed the wall,
  `outside(program, …)` runs a program that calls no KMS, and `wall(…)` draws both;
- *data keys*: `follow(program, …)` runs a program and keeps its calls, `swimlane(…)` draws them;
- *one blob or signature*: `blob_map(blob)` draws each byte, `signatures(report, *keys)` the sizes;
- *where keys are*: `hierarchy(key, *sealed)` draws what opens what, from the root key to the data;
- *encryption contexts*: `contexts(key, blob, *tried)` draws with which of them the blob opens;
- *names of keys*: `names((lab, "alias/archive"), …)` draws to which key each name leads;
- *modes of AES*: `ecb(scan)` draws an image through ECB, which keeps its outlines, and CTR;
- *cryptographic modules*: `modules(*backends)` draws what each answers to the self-tests;
- *one key*: `life(key)` draws its states and moves, `operations(key)` what works in which state,
  `materials(key, *blobs)` what a rotation changed, and `timeline(key, *blobs)` when;
- *accounts*: `bill(lab.bill())` draws what a month costs, `costs(lab, programs)` what sealing costs
  and what one leaked data key opens, `kinds(lab)` who may do what with each of the three kinds of
  key (`key_kind_trials.py` finds that out), `permissions(key, people)` what each person may do with
  one key, and what allows it;
- *quotas*: `attempts({name: attempts})` draws how many calls were answered, second by second;
- *measured times*: `times`, `sizes_and_times`, `times_with_means`, `throughput` and `intervals`
  draw what `kmslab.bench` measured.
"""

from kmslab.figures.attempts import attempts
from kmslab.figures.bill import bill
from kmslab.figures.blob_map import blob_map
from kmslab.figures.canvas import Picture
from kmslab.figures.contexts import contexts
from kmslab.figures.costs import costs
from kmslab.figures.ecb import ecb
from kmslab.figures.follow import FollowedProgram, follow
from kmslab.figures.hierarchy import hierarchy
from kmslab.figures.intervals import Measured, MeasuredRow, intervals
from kmslab.figures.kinds import kinds
from kmslab.figures.life import life
from kmslab.figures.materials import materials
from kmslab.figures.modules import modules
from kmslab.figures.named_keys import names
from kmslab.figures.operations import operations
from kmslab.figures.outside import outside
from kmslab.figures.permissions import permissions
from kmslab.figures.signatures import signatures
from kmslab.figures.swimlane import swimlane
from kmslab.figures.throughput import SealingTimes, throughput
from kmslab.figures.timeline import timeline
from kmslab.figures.timings import (
    OperationTimes,
    ReferenceTime,
    TimingRow,
    sizes_and_times,
    times,
    times_with_means,
)
from kmslab.figures.wall import wall
from kmslab.figures.watch import WatchedCall, watch

__all__ = [
    "FollowedProgram",
    "Measured",
    "MeasuredRow",
    "OperationTimes",
    "Picture",
    "ReferenceTime",
    "SealingTimes",
    "TimingRow",
    "WatchedCall",
    "attempts",
    "bill",
    "blob_map",
    "contexts",
    "costs",
    "ecb",
    "follow",
    "hierarchy",
    "intervals",
    "kinds",
    "life",
    "materials",
    "modules",
    "names",
    "operations",
    "outside",
    "permissions",
    "signatures",
    "sizes_and_times",
    "swimlane",
    "throughput",
    "timeline",
    "times",
    "times_with_means",
    "wall",
    "watch",
]
