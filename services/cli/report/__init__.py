"""The report of a run: read once (`data`), drawn (`graph`, `pictures`), written as one HTML file (`page`)."""
