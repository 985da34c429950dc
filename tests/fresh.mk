# SPDX-License-Identifier: GPL-2.0-only
# sudo make fresh: README.md's commands on a Debian that has nothing yet; FRESH_DIR: where there are 5 GB for it.

FRESH_DIR ?= /var/tmp

.PHONY: fresh
fresh:
	$(Q)tests/fresh $(FRESH_DIR)
