# SPDX-License-Identifier: GPL-2.0-only
# make unit: each tests/unit/*_test.c is a program, under gcc's sanitizers, with all of the user side that
# knows no BPF, and with the other *.c of that directory.

ASAN_FLAGS := -std=gnu11 $(WARN) -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all $(DEFS) -Iinclude -Iuser -Itests/unit
ASAN_USER := $(PLAIN_OBJ:$(BUILD)/%=$(BUILD)/asan/%)
UNIT_SRC := $(wildcard tests/unit/*.c)
UNIT_HELP := $(patsubst tests/%.c,$(BUILD)/asan/%.o,$(filter-out %_test.c,$(UNIT_SRC)))
UNIT := $(patsubst tests/%.c,$(BUILD)/asan/%,$(filter %_test.c,$(UNIT_SRC)))

TEST_PROGRAMS += $(UNIT)

.PHONY: unit
unit: $(UNIT)
	$(Q)tests/run --build $(BUILD) arrows unit

# An archive, so that a test links what it uses, and one broken file breaks only the tests that need it.
$(BUILD)/asan/user.a: $(ASAN_USER)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/asan/user/%.o: user/%.c | $(BUILD)/needs-build $(BUILD)/needs-unit
	$(say) ASAN $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ASAN_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/asan/unit/%.o: tests/unit/%.c | $(BUILD)/needs-build $(BUILD)/needs-unit
	$(say) ASAN $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ASAN_FLAGS) -MMD -MP -c $< -o $@

$(UNIT): %: %.o $(UNIT_HELP) $(BUILD)/asan/user.a
	$(say) LINK $@
	$(Q)$(CC) $(ASAN_FLAGS) $^ -lcmocka $(PLAIN_LIBS) -o $@

.SECONDARY: $(UNIT:%=%.o)

-include $(wildcard $(BUILD)/asan/user/*.d $(BUILD)/asan/unit/*.d)
