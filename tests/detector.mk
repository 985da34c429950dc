# SPDX-License-Identifier: GPL-2.0-only
# make detector: the flood detector over generated days and floods, some minutes; writes
# tests/detector/RESULTS.md and latency.svg. Exit status 1 when something required was missed.

DETECTOR_SRC := $(filter-out tests/detector/packets%,$(wildcard tests/detector/*.c))
DETECTOR_OBJ := $(DETECTOR_SRC:tests/%.c=$(BUILD)/%.o)

# The same worlds as packets, for tests/captures/test_bins.py.
PACKETS_OBJ := $(addprefix $(BUILD)/detector/,packets.o packets_plan.o packets_wire.o patterns.o world.o)

TEST_PROGRAMS += $(BUILD)/detector/detector $(BUILD)/detector/packets

.PHONY: detector
detector: $(BUILD)/detector/detector
	$(Q)$< tests/detector/RESULTS.md tests/detector/latency.svg; status=$$?; cat tests/detector/RESULTS.md; \
	$(give_back); exit $$status

$(BUILD)/detector/detector: $(DETECTOR_OBJ)
$(BUILD)/detector/packets: $(PACKETS_OBJ)
$(BUILD)/detector/detector $(BUILD)/detector/packets:
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -lm -o $@

$(BUILD)/detector/%.o: tests/detector/%.c | $(BUILD)/needs-build
	$(say) CC $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/detector -MMD -MP -c $< -o $@

-include $(wildcard $(BUILD)/detector/*.d)
