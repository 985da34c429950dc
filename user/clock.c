/* SPDX-License-Identifier: GPL-2.0-only */
#include "clock.h"

static u64 now_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (u64)now.tv_sec * NSEC_PER_SEC + (u64)now.tv_nsec;
}

void clock_open(struct clock *clock, enum clock_kind kind)
{
	memset(clock, 0, sizeof(*clock));
	clock->kind = kind;
	clock_refresh(clock);
}

/*
 * The two clocks cannot be read at once. Of a few tries, the one with the least
 * time between the readings around it is the nearest.
 */
void clock_refresh(struct clock *clock)
{
	u64 least = ~0ULL;

	if (clock->kind == CLOCK_CAPTURE)
		return;
	for (int i = 0; i < 3; i++) {
		u64 before = now_ns(CLOCK_MONOTONIC);
		u64 wall = now_ns(CLOCK_REALTIME);
		u64 took = now_ns(CLOCK_MONOTONIC) - before;

		if (took < least) {
			least = took;
			clock->offset = wall - (before + took / 2);
		}
	}
}

u64 clock_wall(const struct clock *clock, u64 event_ns)
{
	return clock->kind == CLOCK_CAPTURE ? event_ns : event_ns + clock->offset;
}

static void put_ymd(struct put *put, const struct tm *tm)
{
	put_digits(put, (u32)tm->tm_year + 1900, 4);
	put_char(put, '-');
	put_digits(put, (u32)tm->tm_mon + 1, 2);
	put_char(put, '-');
	put_digits(put, (u32)tm->tm_mday, 2);
	put_char(put, 'T');
}

static void put_hms(struct put *put, const struct tm *tm)
{
	put_digits(put, (u32)tm->tm_hour, 2);
	put_char(put, ':');
	put_digits(put, (u32)tm->tm_min, 2);
	put_char(put, ':');
	put_digits(put, (u32)tm->tm_sec, 2);
}

void put_time_utc(struct put *put, struct clock *clock, u64 event_ns)
{
	u64 wall = clock_wall(clock, event_ns), second = wall / NSEC_PER_SEC;

	if (!clock->utc.valid || clock->utc.second != second) {
		struct put text = put_into(clock->utc.text, sizeof(clock->utc.text));
		time_t t = (time_t)second;
		struct tm tm;

		gmtime_r(&t, &tm);
		put_ymd(&text, &tm);
		put_hms(&text, &tm);
		clock->utc.second = second;
		clock->utc.valid = 1;
	}
	put_bytes(put, clock->utc.text, sizeof("2024-05-01T03:12:07") - 1);
	put_char(put, '.');
	put_digits(put, (u32)(wall % NSEC_PER_SEC), 9);
	put_char(put, 'Z');
}

void put_time_local(struct put *put, struct clock *clock, u64 event_ns)
{
	u64 wall = clock_wall(clock, event_ns), second = wall / NSEC_PER_SEC;

	if (!clock->local.valid || clock->local.second != second) {
		struct put text = put_into(clock->local.text, sizeof(clock->local.text));
		time_t t = (time_t)second;
		struct tm tm;

		localtime_r(&t, &tm);
		put_hms(&text, &tm);
		clock->local.second = second;
		clock->local.valid = 1;
	}
	put_bytes(put, clock->local.text, sizeof("03:12:07") - 1);
	put_char(put, '.');
	put_digits(put, (u32)(wall % NSEC_PER_SEC / NSEC_PER_MSEC), 3);
}
