"""09-bill: what a month's data keys cost, in dollars, at the prices of us-east-1 in 2026."""


def requests_cost(messages: int, per_key: int) -> float:
    calls = -(-messages // per_key)  # rounded up
    return max(0, calls - 20_000) * 0.03 / 10_000
