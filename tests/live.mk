# SPDX-License-Identifier: GPL-2.0-only
# The live tests: real sockets in network namespaces, as root.

TEST_PROGRAMS += $(BUILD)/live/traffic

.PHONY: live
live: all $(BUILD)/live/traffic
	$(Q)/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/live

$(BUILD)/live/traffic: tests/live/traffic.c
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARN) $(CFLAGS) $(DEFS) $< -lpthread -o $@
