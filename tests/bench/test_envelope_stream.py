"""The measurement of the message format runs, and names what it compared."""

from kmslab.bench import envelope_stream


def test_each_suite_is_compared_with_a_loop_over_the_same_buffers() -> None:
    result = envelope_stream.run(rounds=2, size=2 * envelope_stream.MIB)
    assert list(result["sealing"]) == [
        "0x0478 against AES-GCM",
        "0x0578 against AES-GCM",
        "0x0578 against AES-GCM and SHA-384",
    ]
    for figures in result["sealing"].values():
        assert 0 < figures["ratio_q1"] <= figures["ratio"] <= figures["ratio_q3"]
        assert figures["bare_gib_s"] > 0 < figures["stream_gib_s"]
