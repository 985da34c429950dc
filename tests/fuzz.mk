# SPDX-License-Identifier: GPL-2.0-only
# make fuzz-smoke: each tests/fuzz/fuzz_*.c for FUZZ_SECONDS (20); make fuzz: for FUZZ_LONG (600).
# What is found interesting stays in build/corpus/; seeds may lie in tests/fuzz/seeds/NAME/ for fuzz_NAME.
# The helpers of the unit tests are there for fuzzers too.

FUZZ_SECONDS ?= 20
FUZZ_LONG ?= 600
FUZZ_FLAGS := -std=gnu11 $(WARN) -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all $(DEFS) -Iinclude \
	-Iuser -Itests/unit -Itests/fuzz
FUZZ_SAN := -fsanitize=fuzzer-no-link,address,undefined
FUZZ_USER := $(PLAIN_OBJ:$(BUILD)/%=$(BUILD)/fuzz/%)
FUZZ_SRC := $(wildcard tests/fuzz/*.c)
FUZZ_HELP := $(patsubst tests/%.c,$(BUILD)/fuzz/%.o,$(filter-out tests/fuzz/fuzz_%.c,$(FUZZ_SRC)) \
	$(filter-out %_test.c,$(wildcard tests/unit/*.c)))
FUZZ := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(filter tests/fuzz/fuzz_%.c,$(FUZZ_SRC)))

TEST_PROGRAMS += $(FUZZ)

.PHONY: fuzz fuzz-smoke
fuzz-smoke: $(FUZZ)
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run --build $(BUILD) fuzz

fuzz: $(FUZZ)
	$(Q)FUZZ_SECONDS=$(FUZZ_LONG) tests/run --build $(BUILD) fuzz

$(BUILD)/fuzz/help.a: $(FUZZ_HELP) $(FUZZ_USER)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/fuzz/user/%.o: user/%.c | $(BUILD)/needs-build $(BUILD)/needs-fuzz
	$(say) FUZZ $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) $(FUZZ_SAN) -MMD -MP -c $< -o $@

$(BUILD)/fuzz/unit/%.o: tests/unit/%.c | $(BUILD)/needs-build $(BUILD)/needs-fuzz
	$(say) FUZZ $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) $(FUZZ_SAN) -MMD -MP -c $< -o $@

$(BUILD)/fuzz/fuzz/%.o: tests/fuzz/%.c | $(BUILD)/needs-build $(BUILD)/needs-fuzz
	$(say) FUZZ $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) $(FUZZ_SAN) -MMD -MP -c $< -o $@

$(FUZZ): $(BUILD)/fuzz/%: $(BUILD)/fuzz/fuzz/%.o $(BUILD)/fuzz/help.a
	$(say) LINK $@
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $^ -lcmocka $(PLAIN_LIBS) -o $@

.SECONDARY: $(FUZZ:$(BUILD)/fuzz/%=$(BUILD)/fuzz/fuzz/%.o)

-include $(wildcard $(BUILD)/fuzz/user/*.d $(BUILD)/fuzz/unit/*.d $(BUILD)/fuzz/fuzz/*.d)
