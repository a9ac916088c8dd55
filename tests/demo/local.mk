# The demo of `./dev run`; tests/system/test_demo.py holds it to what it promises.
EXTRA_DIST += \
	tests/demo/run.py \
	tests/demo/screen.py \
	tests/demo/steps.py \
	tests/demo/world.py
