# SPDX-License-Identifier: GPL-2.0-only
#
#   make              build/tcpshake, without root, without touching the system
#   sudo make demo    installs what is missing, builds, shows every event, cleans up
#   sudo make test    all tests; prints "N passed, N failed, N skipped"
#   sudo make deps    only installs what is missing for the above
#   sudo make fresh   README's commands on a new Debian 12 in a directory of its own; takes half an hour
#   make unit         the tests that need no root; make fuzz-smoke, make fuzz: the fuzzers
#   make detector     the flood detector over generated days and floods; writes tests/detector/RESULTS.md
#   make lint         warnings, cppcheck, clang-tidy; make format: clang-format
#   make coverage     lines of include/ that unit tests and fuzzers reach
#   sudo make install, sudo make uninstall: program, man page, service; PREFIX and DESTDIR as everywhere
#   sudo make bench   costs per packet, as ratios; make bench-results, make bench-programs: written down
#   sudo make long    an hour of what the normal tests do a little of: kills, faults, a reader that stops reading
#   sudo make floods  long floods by live frames; sudo make verdicts: the verdict on each kind of trouble, 20 times
#
# V=1 shows the commands. CC, CLANG, BPFTOOL and BUILD may be set.

# make's own default would be cc, and hides from ?=
ifeq ($(origin CC),default)
CC = gcc
endif
CLANG ?= clang
# /usr/sbin is not where a user's PATH leads
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
PLAIN_LIBS := -lpcap
LIBS := -lbpf -lelf -lz -lcap -lseccomp $(PLAIN_LIBS)
BPF_CFLAGS := -std=gnu11 -O2 -g -target bpf -mcpu=v3 $(WARN) -Iinclude -Ibpf -Ivmlinux -I/usr/include/$(MULTIARCH)
# processors whose stores are seen in order need no exchange to publish one
BPF_CFLAGS += $(if $(filter x86_64-%,$(MULTIARCH)),-DTCPSHAKE_STORES_IN_ORDER)

USER_SRC := $(wildcard user/*.c)
USER_OBJ := $(USER_SRC:user/%.c=$(BUILD)/user/%.o)
# What a test links: everything but main() and what knows BPF.
KERNEL_OBJ := $(addprefix $(BUILD)/user/,$(addsuffix .o,main kernel% attach clsact live% interfaces owners_kernel))
PLAIN_OBJ := $(filter-out $(KERNEL_OBJ),$(USER_OBJ))
# What else has to be built before tests/run; the *.mk of tests/ add to it.
TEST_PROGRAMS :=

SKELETONS := $(BUILD)/tcpshake.skel.h $(BUILD)/tcpshake_btf.skel.h

.DELETE_ON_ERROR:
.PHONY: all clean deps test test-programs demo
all: $(BUILD)/tcpshake

# coverage.mk looks at the programs of these two
include tests/unit.mk tests/fuzz.mk
include $(filter-out tests/unit.mk tests/fuzz.mk,$(wildcard tests/*.mk))
include $(wildcard deploy/*.mk)

# Root installs and builds; what is built belongs to whom the tree belongs.
give_back = if [ "$$(id -u)" -eq 0 ] && [ -d $(BUILD) ]; then chown -RP --reference=. $(BUILD); fi

deps:
	$(Q)sh tests/install

# A make of its own, because this one was started before the compiler was there.
many = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$$(nproc))

test:
	$(Q)TOOLS=$(abspath $(BUILD))/tools sh tests/install build test aside
	$(Q)$(MAKE) --no-print-directory $(many) test-programs; built=$$?; \
	tests/run --build $(BUILD) --build-status $$built $(TEST_STATUS:%=--status %); status=$$?; \
	$(give_back); exit $$status

test-programs: all $(TEST_PROGRAMS)

demo:
	$(Q)sh tests/install build demo
	$(Q)$(MAKE) --no-print-directory $(many) all && tests/demo/demo.py; status=$$?; $(give_back); exit $$status

# Says which packages are missing, where a compiler would only name a header.
$(BUILD)/needs-%:
	$(Q)sh tests/needs $* "$(CC)" "$(CLANG)" "$(BPFTOOL)"
	$(Q)mkdir -p $(@D) && touch $@

$(BUILD)/tcpshake: $(USER_OBJ)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/user/%.o: user/%.c | $(BUILD)/needs-build
	$(say) CC $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/user/kernel_load.o: $(SKELETONS)
$(BUILD)/user/owners_kernel.o: $(BUILD)/owners_iter.skel.h

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst -,_,$*) > $@

$(BUILD)/tcpshake.bpf.o: bpf/tcpshake.bpf.c | $(BUILD)/needs-build
	$(say) BPF $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

# Who has a socket open: needs BTF, so it stands alone.
$(BUILD)/owners_iter.bpf.o: bpf/owners_iter.bpf.c | $(BUILD)/needs-build
	$(say) BPF $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

# The same programs, with what needs the kernel's type information (BTF).
$(BUILD)/tcpshake_btf.bpf.o: bpf/tcpshake.bpf.c | $(BUILD)/needs-build
	$(say) BPF $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -DWITH_KERNEL_BTF -MMD -MP -c $< -o $@

clean:
	$(Q)rm -rf $(BUILD)

-include $(wildcard $(BUILD)/user/*.d $(BUILD)/*.d)
