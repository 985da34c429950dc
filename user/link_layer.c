/* SPDX-License-Identifier: GPL-2.0-only */
/* Formats: https://www.tcpdump.org/linktypes.html */
#include "link_layer.h"

#include <pcap/dlt.h>

#define DLT_RAW_OPENBSD 14

/* LINUX_SLL: packet type, device type, address length, address, protocol */
#define SLL_PROTOCOL 14
#define SLL_SIZE     16

/* LINUX_SLL2: protocol, 0, interface, device type, packet type, address length, address */
#define SLL2_PROTOCOL	 0
#define SLL2_INTERFACE	 4
#define SLL2_PACKET_TYPE 10
#define SLL2_SIZE	 20
#define SLL_OUTGOING	 4

#define NULL_SIZE 4

#define HDLC_ADDRESS	0xff
#define CISCO_UNICAST	0x0f
#define CISCO_MULTICAST 0x8f
#define CISCO_SIZE	4
#define PPPOE_SIZE	6

enum ppp_protocol { PPP_IPV4 = 0x21, PPP_IPV6 = 0x57 };

/* Address families by which the BSDs, Darwin, Windows and Linux name IP. */
enum null_family {
	FAMILY_IPV4 = 2,
	FAMILY_IPV6_LINUX = 10,
	FAMILY_IPV6_WINDOWS = 23,
	FAMILY_IPV6_BSD = 24,
	FAMILY_IPV6_FREEBSD = 28,
	FAMILY_IPV6_DARWIN = 30,
};

static u16 be16_at(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static u32 be32_at(const u8 *p)
{
	return (u32)be16_at(p) << 16 | be16_at(p + 2);
}

static struct link_start start_at(u32 at, enum link_first first)
{
	return (struct link_start){.at = at, .first = first, .hook = HOOK_IN};
}

/* An Ethernet type without Ethernet: tags may stand before IP as they do there. */
static enum parse_result typed(const u8 *bytes, u32 captured, u32 type, u32 at, struct link_start *start)
{
	for (u32 i = 0; i < VLAN_TAGS_MAX && is_vlan(BE16(type)); i++) {
		if (at + sizeof(struct wire_vlan) > captured)
			return PARSE_TRUNCATED;
		type = be16_at(bytes + at + 2);
		at += sizeof(struct wire_vlan);
	}
	*start = start_at(at, LINK_IP);
	return type == ETHER_IPV4 || type == ETHER_IPV6 ? PARSE_TCP : PARSE_NOT_TCP;
}

static enum parse_result read_ethernet(const u8 *bytes, u32 captured, struct link_start *start)
{
	(void)bytes, (void)captured;
	*start = start_at(0, LINK_ETHERNET);
	return PARSE_TCP;
}

static enum parse_result read_ip(const u8 *bytes, u32 captured, struct link_start *start)
{
	(void)bytes, (void)captured;
	*start = start_at(0, LINK_IP);
	return PARSE_TCP;
}

/* The family is in the byte order of the machine that captured; all are below 2^16. */
static enum parse_result read_null(const u8 *bytes, u32 captured, struct link_start *start)
{
	u32 family;

	*start = start_at(NULL_SIZE, LINK_IP);
	if (captured < NULL_SIZE)
		return PARSE_TRUNCATED;
	family = be32_at(bytes);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	switch (family) {
	case FAMILY_IPV4:
	case FAMILY_IPV6_LINUX:
	case FAMILY_IPV6_WINDOWS:
	case FAMILY_IPV6_BSD:
	case FAMILY_IPV6_FREEBSD:
	case FAMILY_IPV6_DARWIN:
		return PARSE_TCP;
	default:
		return PARSE_NOT_TCP;
	}
}

/*
 * It says in or out, but not where: on a host with bridges two packets that
 * came "in" are still one seen twice. So the direction alone is not used.
 */
static enum parse_result read_sll(const u8 *bytes, u32 captured, struct link_start *start)
{
	if (captured < SLL_SIZE)
		return PARSE_TRUNCATED;
	return typed(bytes, captured, be16_at(bytes + SLL_PROTOCOL), SLL_SIZE, start);
}

static enum parse_result read_sll2(const u8 *bytes, u32 captured, struct link_start *start)
{
	enum parse_result result;

	if (captured < SLL2_SIZE)
		return PARSE_TRUNCATED;
	result = typed(bytes, captured, be16_at(bytes + SLL2_PROTOCOL), SLL2_SIZE, start);
	start->ifindex = be32_at(bytes + SLL2_INTERFACE);
	if (bytes[SLL2_PACKET_TYPE] == SLL_OUTGOING)
		start->hook = HOOK_OUT;
	return result;
}

/* The protocol behind address and control: one byte where it was compressed (RFC 1661 section 6.5). */
static enum parse_result ppp_protocol(const u8 *bytes, u32 captured, u32 at, struct link_start *start)
{
	u32 protocol;

	if (at + 1 > captured)
		return PARSE_TRUNCATED;
	protocol = bytes[at++];
	if (!(protocol & 1)) {
		if (at + 1 > captured)
			return PARSE_TRUNCATED;
		protocol = protocol << 8 | bytes[at++];
	}
	*start = start_at(at, LINK_IP);
	return protocol == PPP_IPV4 || protocol == PPP_IPV6 ? PARSE_TCP : PARSE_NOT_TCP;
}

/* With address and control or without: both are found in files. No protocol begins with 0xff. */
static enum parse_result read_ppp(const u8 *bytes, u32 captured, struct link_start *start)
{
	u32 at = captured && bytes[0] == HDLC_ADDRESS ? 2 : 0;

	return ppp_protocol(bytes, captured, at, start);
}

/* PPP in HDLC framing, or Cisco's own, which names an Ethernet type. */
static enum parse_result read_ppp_serial(const u8 *bytes, u32 captured, struct link_start *start)
{
	if (captured < CISCO_SIZE)
		return PARSE_TRUNCATED;
	if (bytes[0] == CISCO_UNICAST || bytes[0] == CISCO_MULTICAST)
		return typed(bytes, captured, be16_at(bytes + 2), CISCO_SIZE, start);
	return read_ppp(bytes, captured, start);
}

/* PPPoE without Ethernet: version and type, code (0: session), session, length */
static enum parse_result read_ppp_ether(const u8 *bytes, u32 captured, struct link_start *start)
{
	if (captured < PPPOE_SIZE)
		return PARSE_TRUNCATED;
	if (bytes[1])
		return PARSE_NOT_TCP;
	return ppp_protocol(bytes, captured, PPPOE_SIZE, start);
}

static const struct {
	u32 type;
	link_reader read;
} readers[] = {
    {DLT_EN10MB, read_ethernet},     {DLT_RAW, read_ip},    {DLT_RAW_OPENBSD, read_ip},
    {LINKTYPE_RAW, read_ip},	     {DLT_IPV4, read_ip},   {DLT_IPV6, read_ip},
    {DLT_NULL, read_null},	     {DLT_LOOP, read_null}, {DLT_LINUX_SLL, read_sll},
    {DLT_LINUX_SLL2, read_sll2},     {DLT_PPP, read_ppp},   {DLT_PPP_SERIAL, read_ppp_serial},
    {DLT_PPP_ETHER, read_ppp_ether},
};

link_reader link_reader_of(u32 type)
{
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		if (readers[i].type == type)
			return readers[i].read;
	}
	return NULL;
}
