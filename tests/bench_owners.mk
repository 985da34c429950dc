# SPDX-License-Identifier: GPL-2.0-only
# make bench-owners: what a look for the owners of 20,000 lingering sockets costs. OWNERS=n.

OWNERS ?= 20000

.PHONY: bench-owners
bench-owners: all
	$(Q)tests/bench/owners.py $(OWNERS)
