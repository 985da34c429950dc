# SPDX-License-Identifier: GPL-2.0-only
# make bench: costs per packet by BPF_PROG_RUN, nothing attached; then user space on real sockets,
# then reading of captures (bench_capture.mk). ROUNDS=n, BENCH_JSON=file. Status 3: the machine was too noisy.
# make bench-results: the same rows, written down in tests/bench/results/ and README.md
# make bench-programs: sizes of the programs, written down in tests/bench/programs.txt
# build/bench/bench --help: single rows, other memory

ROUNDS ?= 7
BENCH_JSON ?= $(BUILD)/bench/bench.json
BENCH_RESULTS := tests/bench/results
BENCH_OBJ := $(addprefix $(BUILD)/bench/,$(addsuffix .o,bench machine setup drive rows both sweep yardsticks programs report json))

TEST_PROGRAMS += $(BUILD)/bench/bench

.PHONY: bench bench-results bench-programs
bench: all $(BUILD)/bench/bench $(BUILD)/live/traffic $(BUILD)/live/flood
	$(Q)$(BUILD)/bench/bench --rounds $(ROUNDS) --json $(BENCH_JSON); status=$$?; \
	[ $$status -eq 0 ] || [ $$status -eq 3 ] || exit $$status; \
	tests/bench/live.py $(BUILD)/live/traffic && tests/bench/flood.py && $(MAKE) --no-print-directory bench-capture && exit $$status

# What was measured on too noisy a machine is written down only with NOISY=1, and says so.
bench-results: $(BUILD)/bench/bench
	$(Q)$< --rounds $(ROUNDS) --json $(BENCH_JSON) > $(BUILD)/bench/table.txt; status=$$?; \
	cat $(BUILD)/bench/table.txt; \
	[ $$status -eq 0 ] || [ $$status$(NOISY) = 31 ] || exit $$status; \
	mkdir -p $(BENCH_RESULTS) && cp $(BENCH_JSON) $(BUILD)/bench/table.txt $(BENCH_RESULTS)/
	$(Q)tests/bench/publish.py $(BENCH_RESULTS) README.md

bench-programs: $(BUILD)/bench/bench
	$(Q)$< --programs > tests/bench/programs.txt

$(BUILD)/bench/bench.bpf.o: tests/bench/bench.bpf.c
	$(say) BPF $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -Itests/bench -MMD -MP -c $< -o $@

$(BUILD)/bench/bench.skel.h: $(BUILD)/bench/bench.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name bench_bpf > $@

$(BENCH_OBJ): $(BUILD)/bench/%.o: tests/bench/%.c $(BUILD)/bench/bench.skel.h
	$(say) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -DBENCH_CLANG='"$(shell $(CLANG) --version | head -1)"' -I$(BUILD)/bench -Itests/bench -MMD -MP -c $< -o $@

$(BUILD)/bench/bench: $(BENCH_OBJ) $(filter-out $(BUILD)/user/main.o,$(USER_OBJ))
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LIBS) -lpthread -o $@

-include $(wildcard $(BUILD)/bench/*.d)
