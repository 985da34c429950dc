# SPDX-License-Identifier: GPL-2.0-only
# Where the fuzzers begin: seeds made of the project's own captures, beside what they find.

SEEDS := $(BUILD)/corpus/seeds

TEST_PROGRAMS += $(SEEDS)

fuzz fuzz-smoke: $(SEEDS)

$(SEEDS): tests/fuzz/seeds.py $(wildcard tests/captures/*.py tests/captures/*.txt)
	$(say) SEEDS $(@D)
	$(Q)mkdir -p $(@D)
	$(Q)PYTHONDONTWRITEBYTECODE=1 python3 $< $(@D) && touch $@
