"""Arrays in, arrays out: the loops that touch every pixel, compiled, each with a readable NumPy twin."""
