"""Tests of the emulators, over real HTTP, by clients that share no code with them."""
