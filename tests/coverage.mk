# SPDX-License-Identifier: GPL-2.0-only
# make coverage: which lines of include/ the unit tests and what the fuzzers have found so far (make fuzz)
# reach. COVERAGE=user/ looks at the user side. Line by line: build/cov/lines.txt.

COVERAGE ?= include/
COV_FLAGS := -std=gnu11 $(WARN) -O1 -g $(DEFS) -Iinclude -Iuser -Itests/unit -Itests/fuzz \
	-fprofile-instr-generate -fcoverage-mapping
COV_UNIT := $(UNIT:$(BUILD)/asan/%=$(BUILD)/cov/%)
COV_FUZZ := $(FUZZ:$(BUILD)/fuzz/%=$(BUILD)/cov/fuzz/%)
COV_HELP := $(PLAIN_OBJ:$(BUILD)/%=$(BUILD)/cov/%) $(UNIT_HELP:$(BUILD)/asan/%=$(BUILD)/cov/%) \
	$(patsubst tests/%.c,$(BUILD)/cov/%.o,$(filter-out tests/fuzz/fuzz_%.c,$(FUZZ_SRC)))
# the first one has no -object
COV_OBJECTS := $(subst $() $(), -object ,$(strip $(COV_UNIT) $(COV_FUZZ)))

.PHONY: coverage
coverage: $(COV_UNIT) $(COV_FUZZ) | $(BUILD)/needs-coverage
	$(Q)rm -rf $(BUILD)/cov/raw && mkdir -p $(BUILD)/cov/raw
	$(Q)for test in $(COV_UNIT); do \
		LLVM_PROFILE_FILE=$(BUILD)/cov/raw/%p.profraw timeout 300 $$test >/dev/null 2>&1 || \
			echo "$$test failed: what it reaches may be missing"; \
	done
	$(Q)for name in $(notdir $(COV_FUZZ)); do \
		mkdir -p $(BUILD)/corpus/$$name; \
		LLVM_PROFILE_FILE=$(BUILD)/cov/raw/%p.profraw timeout 300 $(BUILD)/cov/fuzz/$$name -runs=0 \
			$(BUILD)/corpus/$$name $$(ls -d tests/fuzz/seeds/$${name#fuzz_} 2>/dev/null) >/dev/null 2>&1 || \
			echo "$$name failed: what it reaches may be missing"; \
	done
	$(Q)llvm-profdata merge -sparse $(BUILD)/cov/raw/*.profraw -o $(BUILD)/cov/all.profdata
	$(Q)llvm-cov show $(COV_OBJECTS) -instr-profile=$(BUILD)/cov/all.profdata \
		-show-instantiations=false $(COVERAGE) > $(BUILD)/cov/lines.txt 2>/dev/null
	$(Q)llvm-cov report $(COV_OBJECTS) -instr-profile=$(BUILD)/cov/all.profdata \
		-show-region-summary=false -show-branch-summary=false $(COVERAGE) 2>/dev/null
	$(Q)tests/coverage-sum $(BUILD)/cov/lines.txt

$(BUILD)/cov/user/%.o: user/%.c | $(BUILD)/needs-build
	$(say) COV $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(COV_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/cov/unit/%.o $(BUILD)/cov/fuzz/%.o: | $(BUILD)/needs-unit $(BUILD)/needs-fuzz

$(BUILD)/cov/unit/%.o: tests/unit/%.c
	$(say) COV $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(COV_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/cov/fuzz/%.o: tests/fuzz/%.c
	$(say) COV $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(COV_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(BUILD)/cov/help.a: $(COV_HELP)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(COV_UNIT): %: %.o $(BUILD)/cov/help.a
	$(say) LINK $@
	$(Q)$(CLANG) $(COV_FLAGS) $^ -lcmocka $(PLAIN_LIBS) -o $@

$(COV_FUZZ): %: %.o $(BUILD)/cov/help.a
	$(say) LINK $@
	$(Q)$(CLANG) $(COV_FLAGS) -fsanitize=fuzzer $^ -lcmocka $(PLAIN_LIBS) -o $@

.SECONDARY: $(COV_UNIT:=.o) $(COV_FUZZ:=.o)

-include $(wildcard $(BUILD)/cov/*/*.d)
