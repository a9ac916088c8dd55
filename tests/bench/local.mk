# The benchmarks of the whole program; those of the rooms stand in the rooms' lists.
EXTRA_DIST += tests/bench/bed.py tests/bench/many_lists.py tests/bench/rename.py tests/bench/restart.py tests/bench/storms.py \
	tests/bench/upload.py tests/bench/upload_clients.py
