/* rtnl.c - some requests of rtnetlink(7), each acknowledged. */
#include "rtnl.h"

#include <errno.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

struct request {
  char octets[512];             /* more than a header and four attributes */
  struct nlmsghdr *header;
};

static void *begin(struct request *request, uint16_t type, uint16_t flags, size_t size)
{
  request->header = mnl_nlmsg_put_header(request->octets);
  request->header->nlmsg_type = type;
  request->header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
  request->header->nlmsg_seq = (uint32_t)time(NULL);
  return mnl_nlmsg_put_extra_header(request->header, size);
}

/* Sends the request and waits for its acknowledgment, which names the error if there is one. */
static int perform(struct request *request)
{
  char answer[4096];
  struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
  ssize_t got;
  int result = 0;

  if (!socket)
    return -errno;
  if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0
      || mnl_socket_sendto(socket, request->header, request->header->nlmsg_len) < 0
      || (got = mnl_socket_recvfrom(socket, answer, sizeof answer)) < 0
      || mnl_cb_run(answer, (size_t)got, request->header->nlmsg_seq,
                    mnl_socket_get_portid(socket), NULL, NULL) < 0)
    result = errno == EEXIST ? 0 : -errno;
  mnl_socket_close(socket);
  return result;
}

static uint8_t family(la_addr addr)
{
  return addr.len == 16 ? AF_INET6 : AF_INET;
}

int rtnl_link_up(unsigned index, uint32_t mtu)
{
  struct request request;
  struct ifinfomsg *link = begin(&request, RTM_NEWLINK, 0, sizeof *link);

  link->ifi_family = AF_UNSPEC;
  link->ifi_index = (int)index;
  link->ifi_flags = link->ifi_change = IFF_UP;
  if (mtu > 0)
    mnl_attr_put_u32(request.header, IFLA_MTU, mtu);
  return perform(&request);
}

int rtnl_link_queue(unsigned index, uint32_t packets)
{
  struct request request;
  struct ifinfomsg *link = begin(&request, RTM_NEWLINK, 0, sizeof *link);

  link->ifi_family = AF_UNSPEC;
  link->ifi_index = (int)index;
  mnl_attr_put_u32(request.header, IFLA_TXQLEN, packets);
  return perform(&request);
}

int rtnl_addr_add(unsigned index, la_addr addr, uint8_t prefix, la_addr other)
{
  struct request request;
  struct ifaddrmsg *message = begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
                                    sizeof *message);
  bool alone = other.len == addr.len && prefix == addr.len * 8;

  message->ifa_family = family(addr);
  message->ifa_prefixlen = prefix;
  message->ifa_index = index;
  if (addr.len == 16)
    message->ifa_flags = IFA_F_NODAD;   /* nobody else is on this link: no need to ask */
  mnl_attr_put(request.header, IFA_LOCAL, addr.len, addr.octets);
  mnl_attr_put(request.header, IFA_ADDRESS, addr.len, alone ? other.octets : addr.octets);
  return perform(&request);
}

int rtnl_route_add(unsigned index, la_addr net, uint8_t prefix, la_addr via)
{
  struct request request;
  struct rtmsg *route = begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof *route);

  route->rtm_family = family(net);
  route->rtm_dst_len = prefix;
  route->rtm_table = RT_TABLE_MAIN;
  route->rtm_protocol = RTPROT_STATIC;
  route->rtm_scope = via.len > 0 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  route->rtm_type = RTN_UNICAST;
  mnl_attr_put(request.header, RTA_DST, net.len, net.octets);
  if (via.len > 0)
    mnl_attr_put(request.header, RTA_GATEWAY, via.len, via.octets);
  mnl_attr_put_u32(request.header, RTA_OIF, index);
  return perform(&request);
}

static bool same_address(const struct sockaddr *sockaddr, la_addr addr)
{
  if (!sockaddr || sockaddr->sa_family != family(addr))
    return false;
  if (addr.len == 16) {
    const struct sockaddr_in6 *in6 = (const void *)sockaddr;

    return memcmp(&in6->sin6_addr, addr.octets, 16) == 0;
  }
  const struct sockaddr_in *in4 = (const void *)sockaddr;

  return memcmp(&in4->sin_addr, addr.octets, 4) == 0;
}

bool rtnl_is_ready(const char *name, la_addr addr)
{
  struct ifaddrs *all;
  bool ready = false;

  if (getifaddrs(&all) < 0)
    return false;
  for (const struct ifaddrs *one = all; one; one = one->ifa_next)
    if (strcmp(one->ifa_name, name) == 0 && (one->ifa_flags & IFF_UP)
        && (addr.len == 0 || same_address(one->ifa_addr, addr)))
      ready = true;
  freeifaddrs(all);
  return ready;
}

uint64_t rtnl_link_dropped(const char *name)
{
  struct ifaddrs *all;
  uint64_t dropped = 0;

  if (getifaddrs(&all) < 0)
    return 0;
  for (const struct ifaddrs *one = all; one; one = one->ifa_next)
    if (strcmp(one->ifa_name, name) == 0 && one->ifa_data && one->ifa_addr
        && one->ifa_addr->sa_family == AF_PACKET)
      dropped = ((const struct rtnl_link_stats *)one->ifa_data)->tx_dropped;
  freeifaddrs(all);
  return dropped;
}
