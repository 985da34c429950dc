/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture files that are cut, broken or none, and filters. */
#include "made_file.h"

static void filter_selects(void **state)
{
	(void)state;
	made_size = 0;
	begin_section();
	put_interface(1, 0, 6);
	put_interface(101, 0, 6);
	put_block(0, 1, ether_syn, sizeof(ether_syn), 60);
	put_block(1, 2, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
	assert_int_equal(open_made("tcp dst port 443"), 0);
	expect_syn();
	expect_syn();
	expect_end();
	assert_int_equal(open_made("udp"), 0);
	expect_end();
	assert_int_equal(open_made("tcp prot 443"), -EINVAL);
	/* sound for Ethernet, but not for the second interface */
	assert_int_equal(open_made("ether host 02:00:00:00:00:01"), 0);
	expect_syn();
	assert_int_equal(next(), -EINVAL);
	assert_int_equal(next(), -EINVAL);
	assert_true(strlen(capture_error(capture)) > 0);
	capture_close(capture);
}

/*
 * The file of two packets ends after each of its bytes. section: where it may
 * end before its packets begin, at head; whole: where the second one does.
 */
static void expect_cut_anywhere(size_t section, size_t head, size_t whole)
{
	const size_t size = made_size;

	for (made_size = 1; made_size < size; made_size++) {
		const int ends_well = made_size == section || made_size == head || made_size == whole;

		if (made_size < whole && !ends_well) {
			assert_int_equal(open_made(NULL), -EBADMSG);
			continue;
		}
		assert_int_equal(open_made(NULL), 0);
		if (made_size >= whole)
			expect_syn();
		if (ends_well) {
			expect_end();
			continue;
		}
		assert_int_equal(next(), -EBADMSG);
		assert_int_equal(next(), -EBADMSG);
		assert_non_null(strstr(capture_error(capture), "cannot be read further"));
		capture_close(capture);
	}
}

static void pcap_cut_anywhere(void **state)
{
	size_t head, whole;

	(void)state;
	begin_pcap(MICRO, 101);
	head = made_size;
	put_pcap(1, 0, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
	whole = made_size;
	put_pcap(2, 0, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
	expect_cut_anywhere(head, head, whole);
}

static void pcapng_cut_anywhere(void **state)
{
	size_t section, head, whole;

	(void)state;
	made_size = 0;
	begin_section();
	section = made_size;
	put_interface(101, 0, 6);
	head = made_size;
	put_block(0, 1, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
	whole = made_size;
	put_block(0, 2, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
	expect_cut_anywhere(section, head, whole);
}

/* One packet and then a block with a 32-bit word at `at` replaced. */
static void expect_nonsense(size_t at, u32 value)
{
	size_t block;

	made_size = 0;
	begin_section();
	put_interface(101, 0, 6);
	put_block(0, 1, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
	block = made_size;
	put_block(0, 2, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
	memcpy(made + block + at, &value, 4);
	assert_int_equal(open_made(NULL), 0);
	expect_syn();
	assert_int_equal(next(), -EBADMSG);
	capture_close(capture);
}

static void pcapng_nonsense(void **state)
{
	(void)state;
	expect_nonsense(4, 0);	/* length of the block */
	expect_nonsense(4, 70); /* not a multiple of four */
	expect_nonsense(4, UINT32_MAX - 3);
	expect_nonsense(8, 1);	 /* interface */
	expect_nonsense(20, 41); /* captured */
	expect_nonsense(20, UINT32_MAX);
	expect_nonsense(68, 76); /* length at the end */
}

static void not_a_capture(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n";

	(void)state;
	made_size = 0;
	assert_int_equal(open_made(NULL), -EBADMSG);
	put(text, sizeof(text));
	assert_int_equal(open_made(NULL), -EBADMSG);
	assert_non_null(strstr(error, "pcapng"));
	made[0] = 0x0a;
	assert_int_equal(open_made(NULL), -EBADMSG);
}

static void no_file(void **state)
{
	(void)state;
	assert_int_equal(capture_open(&capture, "/nowhere/file.pcap", NULL, error, sizeof(error)), -ENOENT);
	assert_string_equal(error, "cannot open /nowhere/file.pcap: No such file or directory");
	assert_int_equal(capture_open(&capture, "/tmp", NULL, error, sizeof(error)), -EIO);
	assert_non_null(strstr(error, "directory"));
	capture_close(NULL);
}

static void unknown_link_type(void **state)
{
	(void)state;
	begin_pcap(MICRO, 220);
	put_pcap(1, 0, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
	assert_int_equal(open_made(NULL), -EPROTONOSUPPORT);
	assert_non_null(strstr(error, "USB_LINUX_MMAPPED (220)"));
}

/* cat FILE | tcpshake -r - */
static void standard_input(void **state)
{
	int pipes[2], keep = dup(STDIN_FILENO);

	(void)state;
	begin_pcap(MICRO, 101);
	put_pcap(1, 0, ip_syn, sizeof(ip_syn), sizeof(ip_syn));
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], made, made_size), made_size);
	close(pipes[1]);
	dup2(pipes[0], STDIN_FILENO);
	close(pipes[0]);
	assert_int_equal(capture_open(&capture, "-", NULL, error, sizeof(error)), 0);
	expect_syn();
	expect_end();
	dup2(keep, STDIN_FILENO);
	close(keep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(filter_selects),	   cmocka_unit_test(pcap_cut_anywhere),
	    cmocka_unit_test(pcapng_cut_anywhere), cmocka_unit_test(pcapng_nonsense),
	    cmocka_unit_test(not_a_capture),	   cmocka_unit_test(no_file),
	    cmocka_unit_test(unknown_link_type),   cmocka_unit_test(standard_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
