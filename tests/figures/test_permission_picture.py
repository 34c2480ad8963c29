"""Each cell of the picture of permissions is what a call would get."""

from tests.figures.drawn_permissions import every_reason, root_alone


def test_each_cell_says_what_allows_it():
    said = repr(every_reason())
    assert "9 of 32 questions are answered with yes." in said
    assert "named: Decrypt allowed (key policy), CreateGrant allowed (key policy)" in said
    assert "left to IAM: Decrypt allowed (key policy and IAM)" in said
    assert "lent: Decrypt allowed (a grant), CreateGrant refused" in said
    assert "nobody 3: Decrypt refused" in said
    assert "with the context record=R-017" in said


def test_without_a_context_none_is_named():
    assert "context" not in repr(root_alone())
    assert "root: Decrypt allowed (key policy)" in repr(root_alone())
