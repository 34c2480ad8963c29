"""Modules that are sound and modules that are not, with and without the flipped bits."""

from functools import cache

from kmslab import figures
from kmslab.course import faulty_modules as faulty
from kmslab.crypto import pyca, pycryptodome


@cache
def one_module() -> figures.Picture:
    return figures.modules(pyca)


@cache
def sound_and_faulty_module() -> figures.Picture:
    return figures.modules(pyca, faulty.OneBitWrong())


@cache
def four_modules_and_every_tag_byte() -> figures.Picture:
    others = faulty.LastByteOnly(), faulty.IgnoresAad()
    return figures.modules(pyca, pycryptodome, *others, flipped=True)


DRAWINGS = [one_module, sound_and_faulty_module, four_modules_and_every_tag_byte]
