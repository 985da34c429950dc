# SPDX-License-Identifier: GPL-2.0-only
# make bench: costs per packet by BPF_PROG_RUN, nothing attached; then user space on real sockets,
# then reading of captures (bench_capture.mk). ROUNDS=n, BENCH_JSON=file.

ROUNDS ?= 7
BENCH_JSON ?= $(BUILD)/bench/bench.json
BENCH_OBJ := $(addprefix $(BUILD)/bench/,$(addsuffix .o,bench setup drive rows both sweep yardsticks programs report json))

.PHONY: bench
bench: all $(BUILD)/bench/bench $(BUILD)/bench/opens
	$(Q)$(BUILD)/bench/bench --rounds $(ROUNDS) --json $(BENCH_JSON)
	$(Q)tests/bench/live.py $(BUILD)/bench/opens
	$(Q)$(MAKE) --no-print-directory bench-capture

$(BUILD)/bench/opens: tests/bench/opens.c
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $< -o $@

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
