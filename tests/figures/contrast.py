"""How well one colour stands out on another, in light themes and dark ones, as in WCAG 2.2."""

from kmslab.figures import html

TEXT = 4.5  # criterion 1.4.3, level AA
GRAPHICS = 3  # criterion 1.4.11
Colour = tuple[float, float, float]


def turned(colour: Colour) -> Colour:
    """invert(…) hue-rotate(180deg), as "Filter Effects Module Level 1" defines them."""
    inverted = [html.INVERTED + (1 - 2 * html.INVERTED) * part for part in colour]
    weights = (0.213, 0.715, 0.072)
    grey = sum(weight * part for weight, part in zip(weights, inverted, strict=True))
    return tuple(min(1, max(0, 2 * grey - part)) for part in inverted)


def luminance(colour: Colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one: Colour, other: Colour) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def worst_contrast(one: Colour, other: Colour) -> float:
    return min(contrast(one, other), contrast(turned(one), turned(other)))
