"""Makes the clinic's table of real measurements, and a picture drawn from one of its rows.

Run it in an environment that has scikit-learn 1.9 and matplotlib; the project itself needs only the
files that it writes to `data/`. `data/README.md` describes them.
"""

import csv
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_breast_cancer

DATA = Path(__file__).parents[1] / "data"
COLUMNS = 10  # of the thirty: the mean of each measured property
DRAWN = 17  # record R-017


def make_table() -> None:
    source = load_breast_cancer()
    names = [
        name.removeprefix("mean ").replace(" ", "_") for name in source.feature_names[:COLUMNS]
    ]
    with open(DATA / "records.csv", "w", newline="", encoding="ascii") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["record", "diagnosis", *names])
        for number, (row, target) in enumerate(zip(source.data, source.target, strict=True), 1):
            values = [f"{value:g}" for value in row[:COLUMNS]]
            table.writerow([f"R-{number:03}", source.target_names[target], *values])


def nucleus(radius: float, concavity: float, draw: np.random.Generator) -> NDArray[np.float64]:
    """A closed outline with this mean radius and with dents that grow with the concavity."""
    angle = np.linspace(0, 2 * np.pi, 90)
    dents = sum(
        draw.normal(0, concavity / wave) * np.cos(wave * angle + draw.uniform(0, 2 * np.pi))
        for wave in range(2, 7)
    )
    stretch = draw.uniform(0.8, 1.25)
    outline = radius * (1 + dents)
    return np.column_stack([outline * np.cos(angle) * stretch, outline * np.sin(angle) / stretch])


def make_picture() -> None:
    with open(DATA / "records.csv", encoding="ascii") as file:
        record = list(csv.DictReader(file))[DRAWN - 1]
    radius, concavity = float(record["radius"]), float(record["concavity"])
    draw = np.random.default_rng(DRAWN)  # a drawing, not a secret: the same each time
    figure = Figure(figsize=(6.4, 4.8), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 320), ylim=(0, 240))
    axes.set_axis_off()
    stain = draw.normal(0, 1, (24, 32))
    axes.imshow(
        stain, extent=(0, 320, 0, 240), cmap="RdPu", vmin=-1, vmax=14, interpolation="bicubic"
    )
    for x, y in zip(draw.uniform(0, 320, 62), draw.uniform(12, 240, 62), strict=True):
        outline = nucleus(radius * draw.uniform(0.7, 1.2), concavity, draw) + (x, y)
        axes.fill(*outline.T, facecolor="#7d4fa0", edgecolor="#43235f", linewidth=2, alpha=0.75)
    axes.text(
        160, 3, f"record {record['record']}: a drawing from its measurements, not a medical image",
        ha="center", va="bottom", fontsize=9, color="#43235f",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
    )  # fmt: skip
    drawn = BytesIO()
    figure.savefig(drawn, metadata={"Software": None})
    Image.open(drawn).convert("RGB").quantize(64).save(DATA / "scan-017.png", optimize=True)


if __name__ == "__main__":
    make_table()
    make_picture()
