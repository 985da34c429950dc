# SPDX-License-Identifier: GPL-2.0-only
# make kernel-tests: what drives the loaded programs by BPF_PROG_TEST_RUN, as root; nothing is attached. Each
# tests/kernel/*_test.c is a program, with the user side but main() and the other *.c of that directory.

KERNEL_TEST_SRC := $(wildcard tests/kernel/*.c)
KERNEL_TEST_OBJ := $(filter-out $(BUILD)/user/main.o,$(USER_OBJ)) $(BUILD)/kernel/balance.o \
	$(patsubst tests/%.c,$(BUILD)/%.o,$(filter-out %_test.c,$(KERNEL_TEST_SRC)))
KERNEL_TESTS := $(patsubst tests/%.c,$(BUILD)/%,$(filter %_test.c,$(KERNEL_TEST_SRC)))
KERNEL_TEST_FLAGS := $(ALL_CFLAGS) -Itests/unit -Itests/kernel

KERNEL_TEST_DATA := $(BUILD)/tcpshake_plain.bpf.o $(BUILD)/kernel/captures
TEST_PROGRAMS += $(KERNEL_TESTS) $(KERNEL_TEST_DATA)

.PHONY: kernel-tests
kernel-tests: $(KERNEL_TESTS) $(KERNEL_TEST_DATA)
	$(Q)for test in $(KERNEL_TESTS); do $$test || exit 1; done

# The same programs without one atomic operation: the race test has to catch it.
$(BUILD)/tcpshake_plain.bpf.o: bpf/tcpshake.bpf.c | $(BUILD)/needs-build
	$(say) BPF $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -DWITH_KERNEL_BTF -DTCPSHAKE_PLAIN -MMD -MP -c $< -o $@

# The project's own captures, to be replayed.
$(BUILD)/kernel/captures: $(wildcard tests/captures/*.py tests/captures/*.txt)
	$(say) PCAP $@
	$(Q)mkdir -p $@
	$(Q)PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/captures/make.py $@
	$(Q)touch $@

$(BUILD)/kernel/%.o: tests/kernel/%.c | $(BUILD)/needs-build $(BUILD)/needs-unit
	$(say) CC $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_TEST_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/kernel/balance.o: tests/unit/balance.c | $(BUILD)/needs-build $(BUILD)/needs-unit
	$(say) CC $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_TEST_FLAGS) -MMD -MP -c $< -o $@

$(KERNEL_TESTS): %: %.o $(KERNEL_TEST_OBJ)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -lcmocka $(LIBS) -lpthread -o $@

.SECONDARY: $(KERNEL_TESTS:%=%.o)

-include $(wildcard $(BUILD)/kernel/*.d)
