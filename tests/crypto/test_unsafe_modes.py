import pytest

from kmslab.crypto.unsafe_modes import aes_ctr, aes_ecb

# NIST SP 800-38A, appendix F: four blocks under the 256-bit key.
KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
PLAINTEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
ECB = bytes.fromhex(  # F.1.5
    "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870"
    "b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7"
)
CTR = bytes.fromhex(  # F.5.5
    "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
    "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"
)
COUNTER = bytes(range(0xF0, 0x100))


def test_ecb_gives_nists_answer():
    assert aes_ecb(KEY, PLAINTEXT) == ECB


def test_ctr_gives_nists_answer_and_undoes_itself():
    assert aes_ctr(KEY, COUNTER, PLAINTEXT) == CTR
    assert aes_ctr(KEY, COUNTER, CTR) == PLAINTEXT


def test_ecb_takes_whole_blocks_only():
    with pytest.raises(ValueError, match="block length"):
        aes_ecb(KEY, b"fifteen bytes..")
