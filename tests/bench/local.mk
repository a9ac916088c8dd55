# The benchmarks of the whole program; those of the rooms stand in the rooms' lists.
EXTRA_DIST += tests/bench/once.py tests/bench/restart.py tests/bench/storms.py
