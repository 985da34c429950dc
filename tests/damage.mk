# SPDX-License-Identifier: GPL-2.0-only
# build/damage/damage: damaged captures through the whole of -r; tests/captures/test_damage.py runs it.

DAMAGE := $(BUILD)/damage/damage

TEST_PROGRAMS += $(DAMAGE)

$(DAMAGE): tests/damage/damage.c $(BUILD)/asan/user.a
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ASAN_FLAGS) $^ $(PLAIN_LIBS) -o $@
