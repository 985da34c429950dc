// SPDX-License-Identifier: GPL-2.0-only
/* The curve of latency against intensity, as SVG. Both axes are logarithmic. */
#include "lab.h"

#define LEFT 70.0
#define RIGHT 680.0
#define TOP 30.0
#define BOTTOM 360.0
#define SHARE_LEAST 0.05
#define SHARE_MOST 100.0
#define LATENCY_LEAST 0.1
#define LATENCY_MOST 30.0

static double log_scale(double x, double least, double most, double from, double to)
{
	return from + (to - from) * log(x / least) / log(most / least);
}

static double x_of(double share)
{
	return log_scale(share, SHARE_LEAST, SHARE_MOST, LEFT, RIGHT);
}

static double y_of(double seconds)
{
	return log_scale(seconds, LATENCY_LEAST, LATENCY_MOST, BOTTOM, TOP);
}

static void axes(FILE *out)
{
	static const double shares[] = { 0.05, 0.1, 0.3, 1, 3, 10, 30, 100 };
	static const double latencies[] = { 0.1, 0.2, 0.5, 1, 2, 5, 10, 30 };

	for (u32 i = 0; i < ARRAY_SIZE(shares); i++)
		fprintf(out,
			"<path d='M%.0f %.0fV%.0f' stroke='#ddd'/><text x='%.0f' y='%.0f' text-anchor='middle'>%g %%</text>\n",
			x_of(shares[i]), TOP, BOTTOM, x_of(shares[i]), BOTTOM + 18, shares[i] * 100);
	for (u32 i = 0; i < ARRAY_SIZE(latencies); i++)
		fprintf(out,
			"<path d='M%.0f %.0fH%.0f' stroke='#ddd'/><text x='%.0f' y='%.0f' text-anchor='end'>%g s</text>\n",
			LEFT, y_of(latencies[i]), RIGHT, LEFT - 6, y_of(latencies[i]) + 4, latencies[i]);
	fprintf(out, "<text x='%.0f' y='%.0f' text-anchor='middle'>flood, of the usual opens</text>\n",
		(LEFT + RIGHT) / 2, BOTTOM + 40);
}

static void line(FILE *out, const struct curve_point *points, u32 count, const char *colour, int dashed)
{
	const char *with = "";

	fprintf(out, "<polyline fill='none' stroke='%s' stroke-width='2'%s points='", colour,
		dashed ? " stroke-dasharray='4 4'" : "");
	for (u32 i = 0; i < count; i++) {
		double seconds = dashed ? points[i].most_s : points[i].median_s;

		/* where fewer are seen, those that are seen would flatter */
		if (points[i].found < 0.95)
			continue;
		fprintf(out, "%s%.1f,%.1f", with, x_of(points[i].share),
			y_of(seconds > LATENCY_LEAST ? seconds : LATENCY_LEAST));
		with = " ";
	}
	fprintf(out, "'/>\n");
}

void curve_svg(FILE *out, const struct curve_point *points, u32 count)
{
	static const char *const colours[] = { "#1b6ca8", "#c8553d", "#4a7c59", "#7a5195" };
	u32 service = 0;

	fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 700 420' font-family='sans-serif' "
		     "font-size='12'>\n<!-- SPDX-License-Identifier: GPL-2.0-only; written by make detector -->\n"
		     "<rect width='700' height='420' fill='#fff'/>\n"
		     "<text x='70' y='18'>How soon a flood is told: median, dashed 95 of 100; where 95 of 100 are seen</text>\n");
	axes(out);
	for (u32 i = 0; i < count; service++) {
		const char *colour = colours[service % ARRAY_SIZE(colours)];
		u32 n = 1;

		while (i + n < count && points[i + n].opens == points[i].opens)
			n++;
		line(out, points + i, n, colour, 0);
		line(out, points + i, n, colour, 1);
		fprintf(out, "<text x='540' y='%u' fill='%s'>%.0f opens a second</text>\n", 50 + service * 18, colour,
			points[i].opens);
		i += n;
	}
	fprintf(out, "</svg>\n");
}
