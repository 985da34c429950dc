# SPDX-License-Identifier: GPL-2.0-only
# sudo make install, sudo make uninstall. PREFIX and DESTDIR as everywhere.

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
DATADIR ?= $(PREFIX)/share/tcpshake
INSTALL ?= install

RULES := tcpshake.rules.yml tcpshake.rules.test.yml
# All that is installed, and so all that is taken back.
INSTALLED := $(SBINDIR)/tcpshake $(MANDIR)/man8/tcpshake.8 $(UNITDIR)/tcpshake@.service \
	$(COMPLETIONDIR)/tcpshake $(RULES:%=$(DATADIR)/prometheus/%)

# The service manager that runs here, not the one of an image that is being made.
reload = if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi

.PHONY: install uninstall
install: all
	$(Q)$(INSTALL) -d $(addprefix $(DESTDIR),$(sort $(dir $(INSTALLED))))
	$(Q)$(INSTALL) -m 755 $(BUILD)/tcpshake $(DESTDIR)$(SBINDIR)/tcpshake
	$(Q)$(INSTALL) -m 644 deploy/tcpshake.8 $(DESTDIR)$(MANDIR)/man8/tcpshake.8
	$(Q)$(INSTALL) -m 644 deploy/tcpshake.bash-completion $(DESTDIR)$(COMPLETIONDIR)/tcpshake
	$(Q)$(INSTALL) -m 644 $(RULES:%=deploy/prometheus/%) $(DESTDIR)$(DATADIR)/prometheus
	$(Q)sed 's,@SBINDIR@,$(SBINDIR),' deploy/tcpshake@.service.in > $(BUILD)/tcpshake@.service
	$(Q)$(INSTALL) -m 644 $(BUILD)/tcpshake@.service $(DESTDIR)$(UNITDIR)/tcpshake@.service
	$(Q)$(give_back)
	$(Q)$(reload)

# Of the directories those that no system is born with, when nobody else has anything in them.
MADE := $(DATADIR)/prometheus $(DATADIR) $(UNITDIR) $(dir $(UNITDIR)) $(COMPLETIONDIR) $(dir $(COMPLETIONDIR)) $(MANDIR)/man8

uninstall:
	$(Q)rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	$(Q)for directory in $(addprefix $(DESTDIR),$(MADE)); do \
		[ ! -d "$$directory" ] || rmdir --ignore-fail-on-non-empty "$$directory"; done
	$(Q)$(reload)
