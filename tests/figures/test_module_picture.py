"""The picture of modules shows what they really answered."""

from kmslab import figures
from kmslab.course.faulty_modules import LastByteOnly, OneBitWrong
from kmslab.crypto import pyca


def test_caption_counts_right_answers_and_refusals():
    caption = repr(figures.modules(pyca, LastByteOnly(), flipped=True))
    assert "cryptography: 6 of 6 right, is used; with a bit flipped" in caption
    assert "16 of 16 refused. compares one byte: 6 of 6 right" in caption
    assert caption.endswith("1 of 16 refused.")


def test_wrong_answer_is_crossed_out_and_its_module_is_not_used():
    picture = figures.modules(OneBitWrong())
    crosses = [line for line in picture.figure.axes[0].lines if line.get_marker() == "X"]
    assert len(crosses) == 3  # of the questions that ask it to seal
    assert repr(picture) == "Picture: AES-GCM. one bit wrong: 3 of 6 right, is not used."
