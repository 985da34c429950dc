# SPDX-License-Identifier: GPL-2.0-only
# Helpers of tests/live/test_{service,bad_days,bad_places,faults}.py.

LIVE_HELPERS := $(BUILD)/live/clock.so $(BUILD)/live/rewrite
TEST_PROGRAMS += $(LIVE_HELPERS)

$(BUILD)/live/%.so: tests/live/%.c | $(BUILD)/needs-build
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARN) $(CFLAGS) $(DEFS) -fPIC -shared $< -ldl -o $@

$(BUILD)/live/rewrite: tests/live/rewrite.c $(PLAIN_OBJ)
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(PLAIN_LIBS) -lcap -lseccomp -o $@
