// SPDX-License-Identifier: GPL-2.0-only
/* What RESULTS.md says around its tables. */
#include "lab.h"

void write_limits(FILE *out)
{
	fprintf(out,
		"\n## What it cannot see, and what misleads it\n\n"
		"- Floods of less than some %u SYN/s on any service, of less than about a seventh of the opens on a busy one.\n"
		"- An attacker who knows the method can raise the flood by a few per cent of the opens a minute: it is learned as usual.\n"
		"  Once it is an alarm, nothing is learned any more.\n"
		"- Connections that real hosts complete look like a flash crowd; only what follows them could tell.\n"
		"- Who first makes bursts of failing SYNs, each too short for an alarm, teaches a higher threshold, up to twelve times as high.\n"
		"- Few real hosts are told from forged addresses only where the flood outnumbers the clients about twice.\n"
		"- A tenfold crowd whose path stalls as it begins is called a flood; so is a new set of checks of health, SYN and RST, of more\n"
		"  than some 30 a second, for as long as it goes on: what is usual is frozen during an alarm.\n"
		"- A few opens a second by clients half a second away, in waves of ten times as many: one alarm in 400 such days.\n"
		"- In the first minute of a service there is no usual rate. One that has not completed %u handshakes, for %u s, is waited for: a\n"
		"  flood on it is told after %.1f s, from %u SYN/s on at once; clients half a second away that come to it in such numbers are\n"
		"  called a flood. In the first two seconds of a run there is no alarm.\n"
		"- The days and floods are generated: they are as honest as `world.c` and `patterns.c`.\n",
		DETECT_MIN_RATE / 2 + 5, COLD_KNOWN, COLD_KNOWN_TICKS / TICKS_PER_SEC, (double)COLD_WAIT / TICKS_PER_SEC,
		DETECT_MIN_RATE * COLD_FACTOR);
}

void write_head(FILE *out, u64 seed, int tune)
{
	fprintf(out, "<!-- Written by make detector. -->\n# The flood detector, measured\n\nSeeds from %llu on: %s.\n",
		(unsigned long long)seed,
		tune ? "the detector was tuned on these" : "not looked at while the detector was tuned, which used those below");
	fprintf(out, "Earlier reports are tuning by now: that from 1,000,000 on missed two things (two alarms in 240 days; 94 of 100\n"
			  "floods of 30 %% within 2 s in two rows of five), those from 2,000,000 and 3,000,000 on nothing, but the\n"
			  "detector changed after them; that from 5,000,000 on nothing, but in short one alarm more than the five in 1,000 that\n"
			  "were allowed at first sight then; that from 6,000,000 on one alarm in 240 days, of far clients. A rule against it cost a\n"
			  "flood that was told after 0.52 s from 7,000,000 on, and went. From 8,000,000 on one row of 100 floods of 30 %% had 93 within 2 s; rows have 1,000 now.\n");
	fprintf(out, "Sensitivity %u, least rate %u SYN/s: the defaults.\n", DETECT_SENSITIVITY, DETECT_MIN_RATE);
}
