# SPDX-License-Identifier: GPL-2.0-only
# make lint changes nothing; make format rewrites what clang-format would write differently.

.PHONY: lint format
lint: $(SKELETONS) $(BUILD)/owners_iter.skel.h | $(BUILD)/needs-lint
	$(Q)tests/lint $(BUILD) $(CLANG)

format: | $(BUILD)/needs-format
	$(Q)clang-format -i $(wildcard $(foreach dir,include user bpf $(wildcard tests/*),$(dir)/*.[ch]))
