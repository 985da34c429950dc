# SPDX-License-Identifier: GPL-2.0-only
# make bench-capture: reading of captures, alone and beside tshark and tcptrace where these Debian
# packages are installed.
# CAPTURE_ROUNDS=n, CAPTURE_PACKETS=n, CAPTURE_COMPARED=n (tshark takes its time), TMPDIR for 2.6 GB.

CAPTURE_ROUNDS ?= 3
CAPTURE_PACKETS ?= 2000000
CAPTURE_COMPARED ?= 300000

.PHONY: bench-capture
bench-capture: $(BUILD)/tcpshake $(BUILD)/bench/make_capture
	$(Q)tests/bench/capture_bench.py --build $(BUILD) --rounds $(CAPTURE_ROUNDS) --packets $(CAPTURE_PACKETS) \
		--compared $(CAPTURE_COMPARED) --json $(BUILD)/bench/capture.json

$(BUILD)/bench/make_capture: tests/bench/make_capture.c
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $< -o $@
