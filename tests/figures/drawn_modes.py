"""An image through ECB, from the smallest and from a large one."""

from functools import cache
from io import BytesIO

from PIL import Image

from kmslab import figures
from kmslab.course.clinic import records


@cache
def smallest_image() -> figures.Picture:
    file = BytesIO()
    Image.new("1", (1, 1)).save(file, format="PNG")
    return figures.ecb(file.getvalue())


@cache
def the_clinics_scan() -> figures.Picture:
    return figures.ecb(records.read(records.SCAN))


DRAWINGS = [smallest_image, the_clinics_scan]
