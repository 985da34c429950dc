# SPDX-License-Identifier: GPL-2.0-only
# Helpers of tests/live/test_{service,bad_days,bad_places,faults}.py.

LIVE_HELPERS := $(BUILD)/live/clock.so $(BUILD)/live/rewrite
TEST_PROGRAMS += $(LIVE_HELPERS)

$(BUILD)/live/%.so: tests/live/%.c | $(BUILD)/needs-build
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARN) $(CFLAGS) $(DEFS) -fPIC -shared $< -ldl -o $@

$(BUILD)/live/rewrite: tests/live/rewrite.c $(PLAIN_OBJ)
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(PLAIN_LIBS) -lcap -lseccomp -o $@

# The program under gcc's sanitizers, its calls going by way of tests/live/fault.c.
ASAN_KERNEL := $(patsubst %,$(BUILD)/asan/%,$(filter-out $(PLAIN_OBJ:$(BUILD)/%=%),$(USER_OBJ:$(BUILD)/%=%)))
FAULTY := malloc calloc realloc strdup open_memstream vasprintf mmap open fopen fdopen dup read write writev \
	fchmod rename socket send recv bind ioctl getrandom epoll_create1 epoll_ctl timerfd_create timerfd_settime signalfd
TEST_PROGRAMS += $(BUILD)/live/faulty

$(ASAN_KERNEL): ASAN_FLAGS += -I$(BUILD)
$(ASAN_KERNEL): $(SKELETONS)

$(BUILD)/live/faulty: tests/live/fault.c $(ASAN_KERNEL) $(BUILD)/asan/user.a
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ASAN_FLAGS) $(FAULTY:%=-Wl,--wrap=%) $^ $(LIBS) -ldl -o $@
