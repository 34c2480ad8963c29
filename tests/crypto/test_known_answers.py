"""Both backends give the answers that others have published.

NIST's and the RFC's files come with the `cryptography-vectors` package. Here are the
algorithms with one secret key; test_known_signatures.py and test_known_exchanges.py have the rest.
"""

import json
import re
from pathlib import Path

import pytest
from Crypto.Protocol.KDF import SP800_108_Counter

from kmslab.crypto import Backend, Forged
from kmslab.crypto.pyca.symmetric import _counter_mode
from kmslab.crypto.pycryptodome.symmetric import _prf
from tests.cases import for_every
from tests.crypto.published import PUBLISHED, blocks, unhex

FRAMED = json.loads((Path(__file__).parent / "vectors" / "sp800_108_framed.json").read_text())


def ours(case: dict[str, str]) -> bool:
    return case["IVlen"] == "96" and case["Taglen"] == "128"


KEY_BITS = pytest.mark.parametrize("bits", [128, 192, 256])


@KEY_BITS
def test_aes_gcm_seals_as_nist_published(backend: Backend, bits: int, step: int) -> None:
    cases = [c for c in blocks(f"ciphers/AES/GCM/gcmEncryptExtIV{bits}.rsp") if ours(c)]
    assert len(cases) == 375
    for case in cases[::step]:
        key, iv, plaintext, aad, ciphertext, tag = unhex(
            case, "Key", "IV", "PT", "AAD", "CT", "Tag"
        )
        assert backend.aes_gcm_seal(key, iv, plaintext, aad) == ciphertext + tag, case


@KEY_BITS
def test_aes_gcm_opens_what_nist_sealed_and_refuses_what_nist_forged(
    backend: Backend, bits: int, step: int
) -> None:
    cases = [c for c in blocks(f"ciphers/AES/GCM/gcmDecrypt{bits}.rsp") if ours(c)]
    assert len(cases) == 375
    forged = 0
    for case in cases[::step]:
        key, iv, ciphertext, aad, tag = unhex(case, "Key", "IV", "CT", "AAD", "Tag")
        if "FAIL" in case:
            forged += 1
            with pytest.raises(Forged):
                backend.aes_gcm_open(key, iv, ciphertext + tag, aad)
        else:
            plaintext = backend.aes_gcm_open(key, iv, ciphertext + tag, aad)
            assert plaintext == bytes.fromhex(case["PT"]), case
    assert 0 < forged < len(cases) / step


@KEY_BITS
def test_aes_kwp_wraps_as_nist_published(backend: Backend, bits: int, step: int) -> None:
    cases = [c for c in blocks(f"keywrap/kwtestvectors/KWP_AE_{bits}.txt") if "P" in c]
    assert len(cases) == 500
    for case in cases[::step]:
        key, secret, wrapped = unhex(case, "K", "P", "C")
        assert backend.aes_wrap(key, secret) == wrapped, case


@KEY_BITS
def test_aes_kwp_unwraps_what_nist_wrapped_and_refuses_what_nist_forged(
    backend: Backend, bits: int, step: int
) -> None:
    cases = [c for c in blocks(f"keywrap/kwtestvectors/KWP_AD_{bits}.txt") if "C" in c]
    assert len(cases) == 500
    forged = 0
    for case in cases[::step]:
        key, wrapped = unhex(case, "K", "C")
        if "FAIL" in case:
            forged += 1
            with pytest.raises(Forged):
                backend.aes_unwrap(key, wrapped)
        else:
            assert backend.aes_unwrap(key, wrapped) == bytes.fromhex(case["P"]), case
    assert 0 < forged < len(cases) / step


@for_every("length", [0, 1, 7, 8, 15, 17, 31, 33])
def test_wrapped_bytes_of_an_impossible_length_are_forged(backend: Backend, length: int) -> None:
    with pytest.raises(Forged):
        backend.aes_unwrap(bytes(32), bytes(length))


def test_nothing_is_wrapped_with_a_key_of_another_size_and_nothing_can_be_wrapped(
    backend: Backend,
) -> None:
    for key, secret in ((bytes(31), b"x"), (b"", b"x"), (bytes(32), b"")):
        with pytest.raises(RuntimeError):
            backend.aes_wrap(key, secret)
    with pytest.raises(Forged):
        backend.aes_unwrap(bytes(31), backend.aes_wrap(bytes(32), b"x"))


@KEY_BITS
def test_genuine_messages_with_other_iv_or_tag_lengths_are_refused(
    backend: Backend, bits: int, step: int
) -> None:
    """NIST's other cases are valid GCM. The lab has one IV length and no short tags."""
    cases = [
        case
        for case in blocks(f"ciphers/AES/GCM/gcmDecrypt{bits}.rsp")
        if not ours(case) and "FAIL" not in case
    ]
    assert len(cases) > 3000
    for case in cases[::step]:
        key, iv, ciphertext, aad, tag = unhex(case, "Key", "IV", "CT", "AAD", "Tag")
        with pytest.raises(Forged):
            backend.aes_gcm_open(key, iv, ciphertext + tag, aad)


@for_every("size", [224, 256, 384, 512])
def test_hmac_gives_the_tags_of_rfc_4231(backend: Backend, size: int) -> None:
    cases = blocks(f"HMAC/rfc-4231-sha{size}.txt")
    assert len(cases) == 6  # all but the truncated one: KMS never truncates
    for case in cases:
        key, message, tag = unhex(case, "Key", "Msg", "MD")
        assert backend.hmac(f"HMAC_SHA_{size}", key, message) == tag, case


def test_hkdf_derives_the_keys_of_rfc_5869(backend: Backend) -> None:
    text = PUBLISHED.joinpath("KDF/rfc-5869-HKDF-SHA256.txt").read_text("ascii")
    cases = [dict(re.findall(r"^(\w+) *= *(.*)$", part, re.M)) for part in text.split("COUNT")[1:]]
    assert len(cases) == 3
    for case in cases:
        secret, salt, info, derived = unhex(case, "IKM", "salt", "info", "OKM")
        assert backend.hkdf("HKDF_SHA_256", secret, salt, info, int(case["L"])) == derived, case


# SP 800-108 in two halves, since NIST's vectors give the fixed input whole, as random bytes, and
# the lab's is always Label ‖ 00 ‖ Context ‖ [L], which those bytes are not.
#
# The counter and the pseudorandom function run on NIST's fixed inputs. For `cryptography` that is
# the very function which `kdf_counter` calls. PyCryptodome's library function frames by itself, so
# its counter and our pseudorandom function run, with NIST's bytes put in place of the framed ones.
# The framing is the other half: real keys of SMB 3, published whole by Microsoft, go through the
# public function. test_agreement.py compares the two halves together with the definition.

NIST_COUNTER_MODE = [
    case
    for case in blocks("KDF/nist-800-108-KBKDF-CTR.txt")
    if (case["PRF"], case["CTRLOCATION"], case["RLEN"])
    == ("HMAC_SHA256", "BEFORE_FIXED", "32_BITS")
    and "KO" in case
]


def test_nist_has_forty_cases_for_our_counter_mode_and_some_need_several_blocks() -> None:
    assert len(NIST_COUNTER_MODE) == 40
    assert any(int(case["L"]) > 256 for case in NIST_COUNTER_MODE)


def test_cryptography_counts_as_nist_published() -> None:
    for case in NIST_COUNTER_MODE:
        key, fixed, derived = unhex(case, "KI", "FixedInputData", "KO")
        assert _counter_mode(key, fixed, int(case["L"]) // 8) == derived, case


def test_pycryptodome_counts_as_nist_published() -> None:
    for case in NIST_COUNTER_MODE:
        key, fixed, derived = unhex(case, "KI", "FixedInputData", "KO")

        def prf(key: bytes, data: bytes, fixed: bytes = fixed) -> bytes:
            return _prf(key, data[:4] + fixed)  # the first four are the counter

        assert SP800_108_Counter(key, int(case["L"]) // 8, prf) == derived, case


@for_every("case", FRAMED["keys"], ids=lambda case: case["name"])
def test_derived_keys_are_framed_as_microsoft_published(
    backend: Backend, case: dict[str, str]
) -> None:
    label, context = case["label"].encode(), case["context"].encode()
    derived = backend.kdf_counter(bytes.fromhex(case["key"]), label, context, FRAMED["length"])
    assert derived == bytes.fromhex(case["derived"])


@KEY_BITS
def test_aes_cbc_gives_nists_ciphertexts_and_plaintexts(backend: Backend, bits: int) -> None:
    cases = blocks(f"ciphers/AES/CBC/CBCMMT{bits}.rsp")
    assert len(cases) == 20
    for case in cases:
        key, iv, plaintext, ciphertext = unhex(case, "KEY", "IV", "PLAINTEXT", "CIPHERTEXT")
        assert backend.aes_cbc_encrypt(key, iv, plaintext) == ciphertext
        assert backend.aes_cbc_decrypt(key, iv, ciphertext) == plaintext


def test_aes_cbc_takes_whole_blocks_only(backend: Backend) -> None:
    for sizes in ((32, 16, 15), (32, 16, 17), (32, 12, 16), (31, 16, 16)):
        key, iv, data = map(bytes, sizes)
        with pytest.raises(RuntimeError):
            backend.aes_cbc_encrypt(key, iv, data)
        with pytest.raises(Forged):
            backend.aes_cbc_decrypt(key, iv, data)
