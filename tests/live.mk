# SPDX-License-Identifier: GPL-2.0-only
# The live tests: real sockets in network namespaces, as root.

LIVE_PROGRAMS := $(addprefix $(BUILD)/live/,traffic flood hold)
TEST_PROGRAMS += $(LIVE_PROGRAMS)

.PHONY: live floods verdicts long
live: all $(LIVE_PROGRAMS)
	$(Q)/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/live

# Floods of every kind, 20 s each; says how fast they were.
floods: all $(LIVE_PROGRAMS)
	$(Q)TCPSHAKE_FLOOD_SECONDS=20 /usr/bin/python3 -m pytest -q -s -p no:cacheprovider tests/live/test_flood.py

# Is the verdict on a flood the right one, each of 20 times?
verdicts: all $(LIVE_PROGRAMS)
	$(Q)TCPSHAKE_VERDICTS=20 /usr/bin/python3 -m pytest -q -p no:cacheprovider tests/live/test_verdicts.py

# What the normal tests do a little of: a reader that stops for a minute, 10,000 metrics files, 300 kills, every
# call of user space failing once. Over an hour.
LONG := TCPSHAKE_STOPPED=60 TCPSHAKE_REWRITES=10000 TCPSHAKE_KILLS=300 TCPSHAKE_FAULTS=all
LONG_TESTS := $(addprefix tests/live/test_,volume.py service.py bad_days.py faults.py)

long: all $(LIVE_PROGRAMS) $(LIVE_HELPERS) $(BUILD)/live/faulty
	$(Q)$(LONG) /usr/bin/python3 -m pytest -v -s -p no:cacheprovider $(LONG_TESTS)

TRAFFIC_SRC := $(addprefix tests/live/,traffic.c traffic_server.c traffic_client.c)

$(BUILD)/live/traffic: $(TRAFFIC_SRC) tests/live/traffic.h tests/live/enter.h
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARN) $(CFLAGS) $(DEFS) $(TRAFFIC_SRC) -lpthread -o $@

$(BUILD)/live/hold: tests/live/hold.c tests/live/enter.h
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $< -o $@

$(BUILD)/live/flood.bpf.o: tests/live/flood.bpf.c | $(BUILD)/needs-build
	$(say) BPF $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -Itests/live -MMD -MP -c $< -o $@

$(BUILD)/live/flood.skel.h: $(BUILD)/live/flood.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name flood_bpf > $@

$(BUILD)/live/flood: tests/live/flood.c tests/live/flood.h tests/live/enter.h $(BUILD)/live/flood.skel.h
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -I$(BUILD)/live -Itests/live $< -lbpf -lelf -lz -o $@

-include $(wildcard $(BUILD)/live/*.d)
