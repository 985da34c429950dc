# SPDX-License-Identifier: GPL-2.0-only
# make bench: costs per packet by BPF_PROG_RUN, nothing attached; then user space on real sockets,
# then reading of captures (bench_capture.mk). ROUNDS=n, BENCH_JSON=file.

ROUNDS ?= 7
BENCH_JSON ?= $(BUILD)/bench/bench.json
BENCH_OBJ := $(filter-out $(BUILD)/user/main.o,$(USER_OBJ))

.PHONY: bench
bench: all $(BUILD)/bench/bench $(BUILD)/bench/opens
	$(Q)$(BUILD)/bench/bench $(ROUNDS) $(BENCH_JSON)
	$(Q)tests/bench/live.py $(BUILD)/bench/opens
	$(Q)$(MAKE) --no-print-directory bench-capture

$(BUILD)/bench/opens: tests/bench/opens.c
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $< -o $@

$(BUILD)/bench/bench.bpf.o: tests/bench/bench.bpf.c tests/bench/bench.h include/parse.h
	$(say) BPF $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -Itests/bench -c $< -o $@

$(BUILD)/bench/bench.skel.h: $(BUILD)/bench/bench.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name bench_bpf > $@

$(BUILD)/bench/bench: tests/bench/bench.c $(BUILD)/bench/bench.skel.h $(BENCH_OBJ)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -I$(BUILD)/bench -Itests/bench $< $(BENCH_OBJ) $(LIBS) -lpthread -o $@
