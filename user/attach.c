/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Onto a device and off again.
 *
 * Incoming: native XDP where it takes nothing away, else the tc ingress hook,
 * generic XDP on request. Outgoing: tc egress. At tc a TCX link (Linux 6.6) goes
 * with its process; where there is none, a clsact filter is set.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clsact.h"

/* enum bpf_attach_type of Linux 6.6, which older headers lack */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS 47

/* Before the programs that are there (Linux 6.6): one that takes packets away would hide them from us. */
#define ATTACH_BEFORE (1u << 3)

/* A page less the room that XDP wants before a frame and the skb behind it: above it, a frame comes in parts. */
#define XDP_ONE_PAGE_MTU 3498

static const char *xdp_program(const struct kernel *kernel, const struct device *device)
{
	if (device->link == DEVICE_IP_FIRST)
		return "xdp_ip";
	return kernel->frags && device->mtu > XDP_ONE_PAGE_MTU ? "xdp_ether_frags" : "xdp_ether";
}

static int attach_xdp(struct kernel *kernel, const struct device *device, u32 flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int link = bpf_link_create(kernel_program(kernel, xdp_program(kernel, device)), (int)device->ifindex,
				   BPF_XDP, &opts);

	return link < 0 ? -errno : link;
}

/* "program 'name' (id n)" of whoever holds the XDP hook. */
static void name_holder(const struct device *device, char *text, size_t size)
{
	struct bpf_prog_info info = { 0 };
	u32 length = sizeof(info), id = 0;
	int fd;

	snprintf(text, size, "another program");
	if (bpf_xdp_query_id((int)device->ifindex, 0, &id) || !id)
		return;
	snprintf(text, size, "program id %u", id);
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &length))
		snprintf(text, size, "program '%s' (id %u)", info.name, id);
	close(fd);
}

static int explain_xdp(struct kernel *kernel, const struct device *device, const char *mode, int error)
{
	char holder[64];

	if (error == -EPERM)
		return kernel_fail(kernel, -EPERM, "%s: not permitted to attach (%s)\n"
				   "run as root, or with CAP_BPF and CAP_NET_ADMIN", device->name, strerror(-error));
	if (error == -EBUSY || error == -EEXIST) {
		name_holder(device, holder, sizeof(holder));
		return kernel_fail(kernel, -EBUSY, "%s: the XDP hook is taken by %s\n"
				   "use --mode tc, which stands beside it", device->name, holder);
	}
	if (error == -EOPNOTSUPP)
		return kernel_fail(kernel, error, "%s: the driver (%s) has no %s XDP here\nuse --mode tc",
				   device->name, *device->driver ? device->driver : "unknown", mode);
	return kernel_fail(kernel, error, "%s: %s XDP refused: %s (MTU %u)\n"
			   "a smaller MTU or fewer channels (ethtool -L) may help; --mode tc always works",
			   device->name, mode, strerror(-error), device->mtu);
}

/* A link's descriptor; or -1 and *filter = 1; or a negative errno below -1. */
static int attach_tc(const char *program_name, const struct kernel *kernel, struct hooked *hooked,
		     enum bpf_tc_attach_point point, int *filter)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = point == BPF_TC_INGRESS ? ATTACH_BEFORE : 0);
	int program = kernel_program(kernel, program_name), link = -EINVAL, error;

	*filter = 0;
	if (!getenv("TCPSHAKE_NO_TCX")) {
		link = bpf_link_create(program, (int)hooked->ifindex,
				       point == BPF_TC_INGRESS ? ATTACH_TCX_INGRESS : ATTACH_TCX_EGRESS, &opts);
		if (link < 0)
			link = -errno;
	}
	if (link >= 0 || (link != -EINVAL && link != -EOPNOTSUPP))
		return link == -EPERM ? -EACCES : link;
	error = clsact_attach(program, hooked, point);
	if (error)
		return error == -EPERM ? -EACCES : error;
	*filter = 1;
	return -1;
}

static int explain_tc(struct kernel *kernel, const struct device *device, const char *side, int error)
{
	if (error == -EACCES)
		return kernel_fail(kernel, -EPERM, "%s: not permitted to attach at tc %s\n"
				   "run as root, or with CAP_BPF and CAP_NET_ADMIN", device->name, side);
	return kernel_fail(kernel, error, "%s: cannot attach at tc %s: %s\n"
			   "the kernel needs CONFIG_NET_CLS_ACT and CONFIG_NET_CLS_BPF, or Linux 6.6",
			   device->name, side, strerror(-error));
}

static int hook_tc_in(struct kernel *kernel, const struct device *device, struct hooked *hooked)
{
	const char *program = device->link == DEVICE_IP_FIRST ? "tc_in_ip" : "tc_in_ether";
	int link = attach_tc(program, kernel, hooked, BPF_TC_INGRESS, &hooked->in_filter);

	if (link < -1)
		return explain_tc(kernel, device, "ingress", link);
	hooked->in_link = link;
	return 0;
}

static int hook_tc_out(struct kernel *kernel, const struct device *device, struct hooked *hooked)
{
	const char *program = device->link == DEVICE_IP_FIRST ? "tc_out_ip" : "tc_out_ether";
	int link = attach_tc(program, kernel, hooked, BPF_TC_EGRESS, &hooked->out_filter);

	if (link < -1)
		return explain_tc(kernel, device, "egress", link);
	hooked->out_link = link;
	return 0;
}

static int hook_xdp(struct kernel *kernel, const struct device *device, enum mode mode, struct hooked *hooked)
{
	int generic = mode == MODE_GENERIC;
	int link = attach_xdp(kernel, device, generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);

	if (link < 0)
		return explain_xdp(kernel, device, generic ? "generic" : "native", link);
	hooked->in_link = link;
	return 0;
}

/* Drivers that stop their queues to take a first program: seconds without a packet on some. */
static const char *const restarting[] = {
	"ena", "gve", "virtio_net", "hv_netvsc", "ixgbe", "i40e", "ice", "igb", "igc", "bnxt_en",
};

static int driver_restarts(const struct device *device)
{
	for (size_t i = 0; i < ARRAY_SIZE(restarting); i++) {
		if (!strcmp(device->driver, restarting[i]))
			return 1;
	}
	return 0;
}

/* Why native XDP would cost something here, before trying; NULL: nothing known. */
static const char *native_would_cost(const struct device *device, struct attached *attached)
{
	attached->cure = NULL;
	if (device->loopback || device->link == DEVICE_IP_FIRST)
		return "the device has no native XDP";
	if (!strcmp(device->driver, "veth")) {
		attached->cure = "--mode native takes it all the same";
		return "native XDP on veth takes TSO from its peer";
	}
	if (driver_restarts(device)) {
		attached->cure = "--mode native, at a quiet moment";
		return "this driver restarts its queues for native XDP";
	}
	if (device->lro) {
		attached->cure = "ethtool -K DEVICE lro off";
		return "native XDP would turn LRO off";
	}
	return NULL;
}

u32 kernel_needs(const struct device *device, enum mode mode, enum view view)
{
	u32 need = device->link == DEVICE_IP_FIRST ? NEED_IP_FIRST : NEED_ETHERNET;
	struct attached unused;

	if (mode != MODE_TC && !(mode == MODE_AUTO && native_would_cost(device, &unused)))
		need |= device->mtu > XDP_ONE_PAGE_MTU ? NEED_XDP_FRAGS | NEED_XDP : NEED_XDP;
	if (mode == MODE_TC || mode == MODE_AUTO)
		need |= NEED_TC_IN;
	if (view != VIEW_TAP && !device->loopback)
		need |= NEED_TC_OUT;
	return need;
}

/* Native was tried and refused with this error: what to tell. */
static void tell_refused(struct kernel *kernel, const struct device *device, int error, struct attached *attached)
{
	char holder[64];

	attached->why = "native XDP was refused";
	attached->cure = "fewer channels (ethtool -L) or a smaller MTU";
	if (error != -EBUSY)
		return;
	name_holder(device, holder, sizeof(holder));
	snprintf(kernel->why, sizeof(kernel->why), "the XDP hook is taken by %s", holder);
	attached->why = kernel->why;
	attached->cure = "that other program has to go first";
}

/* auto: native if it costs nothing, which is also looked at afterwards. */
static int hook_auto(struct kernel *kernel, const struct device *device, struct hooked *hooked,
		     struct attached *attached)
{
	u64 before = device_fingerprint(device);

	attached->mode = MODE_NATIVE;
	attached->why = native_would_cost(device, attached);
	if (!attached->why) {
		int error = hook_xdp(kernel, device, MODE_NATIVE, hooked);

		if (error) {
			tell_refused(kernel, device, error, attached);
		} else if (device_fingerprint(device) != before) {
			close(hooked->in_link);
			hooked->in_link = -1;
			attached->why = "native XDP changed the device's offloads, channels or carrier";
		} else {
			return 0;
		}
	}
	attached->mode = MODE_TC;
	return hook_tc_in(kernel, device, hooked);
}

static void unhook(struct hooked *hooked)
{
	if (hooked->in_link >= 0)
		close(hooked->in_link);
	if (hooked->out_link >= 0)
		close(hooked->out_link);
	clsact_detach(hooked);
	free(hooked);
}

static int hook(struct kernel *kernel, const struct device *device, enum mode mode, enum view view,
		struct hooked *hooked, struct attached *attached)
{
	int error;

	if (mode == MODE_AUTO)
		error = hook_auto(kernel, device, hooked, attached);
	else if (mode == MODE_TC)
		error = hook_tc_in(kernel, device, hooked);
	else
		error = hook_xdp(kernel, device, mode, hooked);
	/* a tap shows both directions as incoming; so does the loopback, which has each packet pass both hooks */
	attached->outgoing = view != VIEW_TAP && !device->loopback;
	if (!error && attached->outgoing)
		error = hook_tc_out(kernel, device, hooked);
	return error;
}

int kernel_attach(struct kernel *kernel, const struct device *device, enum mode mode, enum view view,
		  struct attached *attached)
{
	struct hooked *hooked;
	int error;

	if (device->link == DEVICE_UNKNOWN_LINK)
		return kernel_fail(kernel, -ENOTSUP, "%s: link type %u is neither Ethernet nor bare IP", device->name,
				   device->link_type);
	hooked = calloc(1, sizeof(*hooked));
	if (!hooked)
		return kernel_fail(kernel, -ENOMEM, "%s: %s", device->name, strerror(ENOMEM));
	hooked->ifindex = device->ifindex;
	hooked->in_link = hooked->out_link = hooked->handle_fd = -1;
	*attached = (struct attached){ .ifindex = device->ifindex, .mode = mode };
	clsact_sweep(device->ifindex);
	error = hook(kernel, device, mode, view, hooked, attached);
	if (error) {
		unhook(hooked);
		return error;
	}
	if (attached->mode == MODE_TC || attached->outgoing)
		attached->tc = hooked->in_filter || hooked->out_filter ? "clsact" : "TCX";
	hooked->next = kernel->hooked;
	kernel->hooked = hooked;
	return 0;
}

/* Whatever takes a link off its device, it then reads 0 for the number of that. */
static int link_holds(int link)
{
	struct bpf_link_info info = { 0 };
	u32 length = sizeof(info);

	/* the number stands at one place for XDP and TCX; who cannot be asked is believed */
	return link < 0 || bpf_obj_get_info_by_fd(link, &info, &length) || info.xdp.ifindex;
}

int kernel_attached(struct kernel *kernel, u32 ifindex)
{
	const struct hooked *hooked = kernel->hooked;

	while (hooked && hooked->ifindex != ifindex)
		hooked = hooked->next;
	return hooked && link_holds(hooked->in_link) && link_holds(hooked->out_link) &&
	       (!hooked->in_filter || clsact_holds(hooked, BPF_TC_INGRESS)) &&
	       (!hooked->out_filter || clsact_holds(hooked, BPF_TC_EGRESS));
}

void kernel_detach(struct kernel *kernel, u32 ifindex)
{
	struct hooked **at = &kernel->hooked;

	while (*at && (*at)->ifindex != ifindex)
		at = &(*at)->next;
	if (*at) {
		struct hooked *hooked = *at;

		*at = hooked->next;
		unhook(hooked);
	}
}

void kernel_detach_all(struct kernel *kernel)
{
	while (kernel->hooked)
		kernel_detach(kernel, kernel->hooked->ifindex);
}
