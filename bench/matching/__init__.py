"""How well syncd links labelled sets, with other linkers beside it: `python -m bench.matching FOLDER`."""
