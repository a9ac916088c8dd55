# The checks of the house's layout, each with a self-test of its own.
TEST_EXTENSIONS = .py
PY_LOG_COMPILER = python3
AM_PY_LOG_FLAGS = -B
layout_checks = \
	tests/layout/banned.py \
	tests/layout/hardening.py \
	tests/layout/layers.py \
	tests/layout/purity.py \
	tests/layout/shipped.py \
	tests/layout/sizes.py
TESTS += $(layout_checks)
EXTRA_DIST += $(layout_checks) tests/layout/house.py
