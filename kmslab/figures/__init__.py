"""Every picture of the course, drawn from live objects: what really happened, with its real sizes.

`watch(program, …)` makes a call and keeps what crossed the wall; `wall(…)` draws such calls;
`blob_map(blob)` draws a ciphertext blob. A notebook shows a picture that is a cell's last line.
"""

from kmslab.figures.blob_map import blob_map
from kmslab.figures.canvas import Picture
from kmslab.figures.wall import wall
from kmslab.figures.watch import Watched, watch

__all__ = ["Picture", "Watched", "blob_map", "wall", "watch"]
