"""An AWS endpoint on loopback: moto, mended where a secure stack or a real pipeline run needs more of it."""
