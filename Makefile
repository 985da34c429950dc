# SPDX-License-Identifier: GPL-2.0-only
#
#   make              build/tcpshake, without root, without touching the system
#   sudo make demo    installs what is missing, builds, shows every event, cleans up
#   sudo make test    all tests; prints "N passed, N failed, N skipped"
#   make unit         the tests that need no root
#   make lint         warnings, cppcheck, clang-tidy; make format: clang-format
#   sudo make bench   costs per packet, as ratios
#
# V=1 shows the commands. CC, CLANG, BPFTOOL and BUILD may be set.

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/bin/bpftool) bpftool)
BUILD ?= build

ifeq ($(V),1)
Q =
say = @:
else
Q = @
say = @printf '  %-8s %s\n'
endif

MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
WARN := -Wall -Wextra -Werror
CFLAGS ?= -O2 -g
DEFS := -D_GNU_SOURCE
ALL_CFLAGS := -std=gnu11 $(WARN) $(CFLAGS) $(DEFS) -Iinclude -Iuser -I$(BUILD)
LIBS := -lbpf -lelf -lz -lpcap
BPF_CFLAGS := -std=gnu11 -O2 -g -target bpf -mcpu=v3 $(WARN) -Iinclude -Ibpf -Ivmlinux -I/usr/include/$(MULTIARCH)

USER_SRC := $(wildcard user/*.c)
USER_OBJ := $(USER_SRC:user/%.c=$(BUILD)/user/%.o)
# What a test links: everything but main() and what knows BPF.
PLAIN_OBJ := $(filter-out $(BUILD)/user/main.o $(BUILD)/user/kernel.o $(BUILD)/user/attach.o $(BUILD)/user/live.o,$(USER_OBJ))

SKELETONS := $(BUILD)/tcpshake.skel.h $(BUILD)/tcpshake_btf.skel.h

.DELETE_ON_ERROR:
.PHONY: all clean
all: $(BUILD)/tcpshake

include $(wildcard tests/*.mk)

$(BUILD)/tcpshake: $(USER_OBJ)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/user/%.o: user/%.c
	$(say) CC $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/user/kernel.o $(BUILD)/user/attach.o: $(SKELETONS)

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst -,_,$*) > $@

$(BUILD)/tcpshake.bpf.o: bpf/tcpshake.bpf.c
	$(say) BPF $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

# The same programs, with what needs the kernel's type information (BTF).
$(BUILD)/tcpshake_btf.bpf.o: bpf/tcpshake.bpf.c
	$(say) BPF $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -DWITH_KERNEL_BTF -MMD -MP -c $< -o $@

clean:
	$(Q)rm -rf $(BUILD)

-include $(wildcard $(BUILD)/user/*.d $(BUILD)/*.d)
