"""The measurements: what things cost here, as ratios taken in one run, with results as JSON."""
