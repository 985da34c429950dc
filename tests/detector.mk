# SPDX-License-Identifier: GPL-2.0-only
# make detector: the flood detector over generated days and floods, some minutes; writes
# tests/detector/RESULTS.md and latency.svg. Exit status 1 when something required was missed.

DETECTOR_SRC := $(wildcard tests/detector/*.c)
DETECTOR_OBJ := $(DETECTOR_SRC:tests/%.c=$(BUILD)/%.o)

TEST_PROGRAMS += $(BUILD)/detector/detector

.PHONY: detector
detector: $(BUILD)/detector/detector
	$(Q)$< tests/detector/RESULTS.md tests/detector/latency.svg; status=$$?; cat tests/detector/RESULTS.md; \
	$(give_back); exit $$status

$(BUILD)/detector/detector: $(DETECTOR_OBJ)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -lm -o $@

$(BUILD)/detector/%.o: tests/detector/%.c | $(BUILD)/needs-build
	$(say) CC $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/detector -MMD -MP -c $< -o $@

-include $(wildcard $(BUILD)/detector/*.d)
