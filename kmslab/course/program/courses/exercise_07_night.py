"""07-night: the events in which somebody read a record while the office in Seoul was closed."""

from typing import Any


def at_night(trail: list[dict[str, Any]]) -> list[dict[str, Any]]:
    def hour(event: dict[str, Any]) -> int:
        return (int(event["eventTime"][11:13]) + 9) % 24

    return [
        event
        for event in trail
        if event["eventName"] == "Decrypt"
        and "errorCode" not in event
        and not 8 <= hour(event) < 18
    ]
