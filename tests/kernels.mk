# SPDX-License-Identifier: GPL-2.0-only
# make kernels: loads every program on Debian's kernels under emulation. KERNELS="linux-image-... ..."

.PHONY: kernels
kernels: $(BUILD)/tcpshake.bpf.o $(BUILD)/tcpshake_btf.bpf.o $(BUILD)/owners_iter.bpf.o
	$(Q)tests/kernels/run $(BUILD) $(KERNELS)
