import subprocess
import sys

import pytest

from kmslab.crypto import Forged, pyca, pycryptodome
from kmslab.crypto.pyca import Pyca
from kmslab.crypto.self_test import SelfTestFailed
from kmslab.crypto.self_tested import SelfTested, open_box, seal_box

KEY, OTHER_KEY = bytes(range(32)), bytes(32)


class WrongHmac(Pyca):
    """A library whose HMAC gets one bit wrong."""

    def hmac(self, algorithm: str, key: bytes, message: bytes) -> bytes:
        code = super().hmac(algorithm, key, message)
        return code[:-1] + bytes([code[-1] ^ 1])


@pytest.mark.parametrize("backends", [(pyca, pycryptodome), (pycryptodome, pyca)])
def test_the_first_backend_that_has_an_algorithm_serves_it(backends: tuple) -> None:
    assert SelfTested(backends).proven("AES_GCM") is backends[0]
    assert SelfTested(backends).proven("ML_KEM", "ML_KEM_512") is pycryptodome
    assert SelfTested(backends).proven("ED25519_PH_SHA_512") is pycryptodome


def test_an_algorithm_without_a_backend_is_impossible() -> None:
    with pytest.raises(RuntimeError, match="ROT_13"):
        SelfTested().proven("ROT_13")
    with pytest.raises(RuntimeError, match="ML_KEM ML_KEM_512"):
        SelfTested([pyca]).proven("ML_KEM", "ML_KEM_512")


def test_a_failing_algorithm_never_serves_and_the_next_backend_does_not_hide_it() -> None:
    tested = SelfTested([WrongHmac(), pycryptodome])
    for _ in range(2):
        with pytest.raises(SelfTestFailed, match="HMAC_SHA_256"):
            tested.proven("HMAC_SHA_256")
    assert tested.proven("AES_GCM").NAME == pyca.NAME


def test_a_box_opens_with_its_key_and_its_associated_data_only() -> None:
    box = seal_box(KEY, b"attack at dawn", b"order 17")
    assert len(box) == 12 + len(b"attack at dawn") + 16
    assert open_box(KEY, box, b"order 17") == b"attack at dawn"
    for key, aad in ((OTHER_KEY, b"order 17"), (KEY, b"order 18")):
        with pytest.raises(Forged):
            open_box(key, box, aad)


def test_a_changed_or_shortened_box_does_not_open() -> None:
    box = seal_box(KEY, b"attack at dawn", b"")
    for place in range(len(box)):
        flipped = box[:place] + bytes([box[place] ^ 1]) + box[place + 1 :]
        for wrong in (flipped, box[:place], box + b"\0"):
            with pytest.raises(Forged):
                open_box(KEY, wrong, b"")


def test_each_box_has_a_fresh_iv() -> None:
    assert len({seal_box(KEY, b"attack at dawn", b"")[:12] for _ in range(100)}) == 100


def test_pycryptodome_is_imported_only_when_it_is_used() -> None:
    program = """
import sys
from kmslab import Lab, envelope
lab = Lab()
orders = lab.create_cmk("orders")
lab.decrypt(orders.encrypt(b"card 4242"))
envelope.decrypt(envelope.encrypt(b"a photo", orders), orders)
assert "Crypto" not in sys.modules
from kmslab.crypto import pycryptodome
assert "Crypto" not in sys.modules
pycryptodome.generate_key("ML_KEM_512")
assert "Crypto" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_both_backends_show_what_they_offer() -> None:
    assert {name for name in dir(pycryptodome) if name[0] != "_"} == {
        name for name in dir(pyca) if name[0] != "_"
    }
