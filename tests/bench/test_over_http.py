"""The measurement of a call over HTTP runs, and has each comparison that it promises."""

import pytest

from kmslab.bench import over_http


@pytest.mark.long
def test_the_endpoint_is_measured_against_simpler_servers() -> None:
    result = over_http.run(rounds=3, calls=40)
    for measured, other in (("cpu_us_a_request", "thin"), ("requests_a_second", "constant")):
        figures = result[measured]
        assert figures["endpoint"] > 0
        assert figures[other] > 0
        assert 0 < figures["share_of_fastest"] < 1.5
