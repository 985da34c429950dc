/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Damaged captures through the whole of -r, in this process and under the
 * sanitizers: each file cut at every byte, then mutated ones. Each run has to
 * end, with status 0 and no message or with status 1 and one, and its counters
 * have to balance.
 *
 *   damage [-m MUTATIONS] [-s SEED] [-o FAILURE] FILE...
 *
 * The n-th mutation depends on the seed and n only. What fails is written to
 * FAILURE.
 */
#include <fcntl.h>
#include <sanitizer/asan_interface.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "run.h"

#define FILES_MAX    256
#define FILE_BYTES   (1u << 20)
#define SAID_BYTES   (1u << 16)
#define SECONDS_MOST 20

struct file {
	const char *name;
	u8 *bytes;
	u32 size;
};

static struct file files[FILES_MAX];
static u32 file_count;

static u8 image[2 * FILE_BYTES]; /* what is read now */
static u32 image_size;
static char doing[512]; /* what it is */
static int image_fd, said_fd, real_stderr;
static char image_path[64];
static const char *failure_path = "damage-failure.pcap";
static u64 ended[2]; /* runs by status */

/* Async-signal-safe, for it also speaks for a run that hangs or crashes. */
static void keep_failure(void)
{
	char path[512 + 64];
	int fd = open(failure_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int n = snprintf(path, sizeof(path), "damage: %s\ndamage: kept as %s\n", doing, failure_path);

	if (write(fd, image, image_size) < 0 || write(real_stderr, path, (size_t)n) < 0)
		_exit(3);
	close(fd);
}

static void on_alarm(int number)
{
	static const char text[] = "damage: does not end\n";

	(void)number;
	if (write(real_stderr, text, sizeof(text) - 1) > 0)
		keep_failure();
	_exit(3);
}

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vdprintf(real_stderr, format, args);
	va_end(args);
	keep_failure();
	exit(1);
}

static struct options options_of_run(u32 number)
{
	return (struct options){
		.read_path = image_path,
		.format = number & 1 ? FORMAT_TEXT : FORMAT_JSON,
		.events = (1u << EVENT_KINDS) - 1,
		.half_open_after_ms = 3000,
		.close_wait_after_ms = 60000,
		.fin_wait_after_ms = 90000,
		.time_wait_after_ms = number & 2 ? 30000 : 0,
		.give_up_after_ms = 75000,
		.memory = MEMORY_MIN,
		.verbose = 1,
	};
}

/* Lines of the program itself, but for the summary's first. */
static u32 messages_in(const char *said)
{
	static const char prefix[] = "tcpshake: ", summary[] = "tcpshake: after ";
	u32 count = 0;

	for (const char *line = said; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		count += !strncmp(line, prefix, strlen(prefix)) && strncmp(line, summary, strlen(summary));
	}
	return count;
}

static void check(int status)
{
	static char said[SAID_BYTES];
	ssize_t n = pread(said_fd, said, sizeof(said) - 1, 0);
	u32 messages;

	said[n < 0 ? 0 : n] = 0;
	messages = messages_in(said);
	if (status != STATUS_OK && status != STATUS_FAILED)
		fail("damage: status %d\n%s\n", status, said);
	if (messages != (status == STATUS_FAILED))
		fail("damage: status %d and %u messages\n%s\n", status, messages, said);
	if (strstr(said, "tcpshake: after") && !strstr(said, "all balance"))
		fail("damage: counters do not balance\n%s\n", said);
	ended[status]++;
}

static void run_image(u32 number)
{
	const struct options options = options_of_run(number);

	if (ftruncate(image_fd, 0) || ftruncate(said_fd, 0) || lseek(said_fd, 0, SEEK_SET) ||
	    pwrite(image_fd, image, image_size, 0) != (ssize_t)image_size)
		fail("damage: memory files: %m\n");
	alarm(SECONDS_MOST);
	check(run_capture(&options));
	alarm(0);
}

static void cut_everywhere(const struct file *file)
{
	memcpy(image, file->bytes, file->size);
	for (image_size = 0; image_size <= file->size; image_size++) {
		snprintf(doing, sizeof(doing), "%s cut to %u bytes", file->name, image_size);
		run_image(image_size);
	}
}

static u64 random_state;

static u32 below(u32 limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return limit ? (u32)((random_state >> 32) * limit >> 32) : 0;
}

static void set_number(u32 at)
{
	static const u32 numbers[] = { 0, 1, 4, 8, 24, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 262144, 262145, 999999999,
				       1000000000, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff };
	u32 value = numbers[below(ARRAY_SIZE(numbers))], bytes = 1u << below(3);

	if (below(2))
		value = __builtin_bswap32(value);
	if (at + bytes <= image_size)
		memcpy(image + at, &value, bytes);
}

static void remove_range(u32 at, u32 length)
{
	if (length > image_size - at)
		length = image_size - at;
	memmove(image + at, image + at + length, image_size - at - length);
	image_size -= length;
}

/* Inserts what stands in a file, this one or another. */
static void insert_range(u32 at, u32 length)
{
	const struct file *from = &files[below(file_count)];
	u32 start = below(from->size);

	if (length > from->size - start)
		length = from->size - start;
	if (length > sizeof(image) - image_size)
		return;
	memmove(image + at + length, image + at, image_size - at);
	memcpy(image + at, from->bytes + start, length);
	image_size += length;
}

static void mutate_once(void)
{
	u32 at = below(image_size), length = 1 + below(1u << below(9));

	switch (below(6)) {
	case 0:
		image[at] ^= (u8)(1u << below(8));
		break;
	case 1:
		image[at] = (u8)below(256);
		break;
	case 2:
		set_number(at);
		break;
	case 3:
		set_number(at & ~3u);
		break;
	case 4:
		remove_range(at, length);
		break;
	default:
		insert_range(at, length);
		break;
	}
}

static void mutate(u32 number, u64 seed)
{
	const struct file *file = &files[number % file_count];

	random_state = (seed + number + 1) * 0x9e3779b97f4a7c15ULL;
	memcpy(image, file->bytes, file->size);
	image_size = file->size;
	for (u32 left = 1 + below(8); left && image_size; left--)
		mutate_once();
	snprintf(doing, sizeof(doing), "mutation %u of %s, seed %llu", number, file->name, (unsigned long long)seed);
	run_image(number);
}

static void load(const char *name)
{
	struct file *file = &files[file_count];
	FILE *stream = fopen(name, "rb");

	if (!stream || file_count == FILES_MAX) {
		fprintf(stderr, "damage: %s: %m\n", name);
		exit(2);
	}
	file->name = name;
	file->bytes = malloc(FILE_BYTES);
	if (!file->bytes)
		exit(2);
	file->size = (u32)fread(file->bytes, 1, FILE_BYTES, stream);
	fclose(stream);
	file_count++;
}

/* Standard output leads nowhere, standard error into memory, where it is looked at after each run. */
static int redirect(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	image_fd = memfd_create("image", MFD_CLOEXEC);
	said_fd = memfd_create("said", MFD_CLOEXEC);
	real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (null < 0 || image_fd < 0 || said_fd < 0 || real_stderr < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(said_fd, STDERR_FILENO) < 0)
		return -1;
	snprintf(image_path, sizeof(image_path), "/proc/self/fd/%d", image_fd);
	__sanitizer_set_report_fd((void *)(long)real_stderr);
	__sanitizer_set_death_callback(keep_failure);
	signal(SIGALRM, on_alarm);
	log_set_verbose(1);
	return 0;
}

int main(int argc, char **argv)
{
	u64 seed = 1;
	u32 mutations = 10000, cuts;
	int option, out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	while ((option = getopt(argc, argv, "m:s:o:")) != -1) {
		if (option == 'm')
			mutations = (u32)strtoul(optarg, NULL, 10);
		else if (option == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (option == 'o')
			failure_path = optarg;
		else
			return 2;
	}
	while (optind < argc)
		load(argv[optind++]);
	if (!file_count || out < 0 || redirect()) {
		fprintf(stderr, "usage: damage [-m MUTATIONS] [-s SEED] [-o FAILURE] FILE...\n");
		return 2;
	}
	for (u32 i = 0; i < file_count; i++)
		cut_everywhere(&files[i]);
	cuts = (u32)(ended[0] + ended[1]);
	for (u32 i = 0; i < mutations; i++)
		mutate(i, seed);
	dprintf(out, "%u files cut to %u, %u mutations: %llu ended with 0, %llu with 1\n", file_count, cuts,
		mutations, (unsigned long long)ended[0], (unsigned long long)ended[1]);
	for (u32 i = 0; i < file_count; i++)
		free(files[i].bytes);
	return 0;
}
