# SPDX-License-Identifier: GPL-2.0-only
# Helpers of tests/live/test_{service,bad_days,bad_places,faults}.py.

LIVE_PRELOAD := $(BUILD)/live/clock.so
TEST_PROGRAMS += $(LIVE_PRELOAD)

$(LIVE_PRELOAD): $(BUILD)/live/%.so: tests/live/%.c | $(BUILD)/needs-build
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARN) $(CFLAGS) $(DEFS) -fPIC -shared $< -ldl -o $@
