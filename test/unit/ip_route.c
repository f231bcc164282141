/* ip_route: which interface, which neighbour, which address of ours. */
#include "ip/ip.h"
#include "support/unit.h"

struct net {
  struct ip ip;
  void *memory;
};

static struct ip_addr addr(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
  return ip_addr_of4((uint8_t[]){ a, b, c, d });
}

static int own(struct net *n, unsigned iface, struct ip_addr a, unsigned prefix)
{
  return ip_own_add(&n->ip, iface, &a, (uint8_t)(96 + prefix));
}

static int route(struct net *n, struct ip_addr to, unsigned prefix, struct ip_addr via,
                 unsigned iface)
{
  return ip_route_add(&n->ip, &to, (uint8_t)(96 + prefix), &via, iface);
}

/* 0: 10.0.0.1/24; 1: 10.1.0.1/16 and 10.1.9.9/32; 2: loopback; all up. */
static void begin(struct net *n)
{
  const struct ip_settings set = {
    .interfaces = 3, .addresses = 5, .routes = 4, .neighbors = 4, .reassemblies = 1, .replies = 4,
    .dests = 8, .icmp_errors = 1, .slab_size = 2048,
  };
  struct ip_iface iface = { .mtu = 1500, .flags = IP_IFACE_UP };
  const struct store none = { NULL, NULL };

  n->memory = test_memory(ip_octets(&set));
  ip_init(&n->ip, n->memory, &set, none, 0);
  assert_int_equal(ip_iface_add(&n->ip, &iface), 0);
  iface.mtu = 9000;
  assert_int_equal(ip_iface_add(&n->ip, &iface), 1);
  iface.flags |= IP_IFACE_LOOPBACK;
  assert_int_equal(ip_iface_add(&n->ip, &iface), 2);
  assert_int_equal(ip_iface_add(&n->ip, &iface), -LA_ENOROOM);
  assert_int_equal(own(n, 0, addr(10, 0, 0, 1), 24), 0);
  assert_int_equal(own(n, 1, addr(10, 1, 0, 1), 16), 0);
  assert_int_equal(own(n, 1, addr(10, 1, 9, 9), 32), 0);
}

static void leads(struct net *n, struct ip_addr to, unsigned iface, struct ip_addr next,
                  struct ip_addr from)
{
  const struct ip_dest *const dest = ip_dest_find(&n->ip, &to);
  struct ip_addr source;

  assert_non_null(dest);
  assert_int_equal(dest->iface, iface);
  assert_true(ip_addr_eq(&dest->next, &next));
  assert_int_equal(dest->mtu, n->ip.ifaces[iface].mtu);
  assert_true(ip_source_for(&n->ip, dest, &source));
  assert_true(ip_addr_eq(&source, &from));
}

static void leads_nowhere(struct net *n, struct ip_addr to)
{
  assert_null(ip_dest_find(&n->ip, &to));
}

TEST(the_longest_prefix_wins)
{
  struct net n;

  begin(&n);
  leads(&n, addr(10, 0, 0, 5), 0, addr(10, 0, 0, 5), addr(10, 0, 0, 1));
  leads(&n, addr(10, 1, 2, 5), 1, addr(10, 1, 2, 5), addr(10, 1, 0, 1));
  leads_nowhere(&n, addr(192, 0, 2, 1));
  assert_int_equal(route(&n, addr(0, 0, 0, 0), 0, addr(10, 0, 0, 254), 0), 0);
  leads(&n, addr(192, 0, 2, 1), 0, addr(10, 0, 0, 254), addr(10, 0, 0, 1));
  assert_int_equal(route(&n, addr(192, 0, 2, 0), 24, addr(10, 1, 0, 254), 1), 0);
  leads(&n, addr(192, 0, 2, 1), 1, addr(10, 1, 0, 254), addr(10, 1, 0, 1));
  assert_int_equal(route(&n, addr(192, 0, 2, 1), 32, addr(10, 0, 0, 253), 0), 0);
  leads(&n, addr(192, 0, 2, 1), 0, addr(10, 0, 0, 253), addr(10, 0, 0, 1));
  leads(&n, addr(192, 0, 2, 2), 1, addr(10, 1, 0, 254), addr(10, 1, 0, 1));
  free(n.memory);
}

TEST(what_is_remembered_is_forgotten_with_any_change)
{
  struct net n;
  struct ip_iface down;
  const struct ip_addr net = addr(192, 0, 2, 0), ours = addr(10, 0, 0, 1);

  begin(&n);
  assert_int_equal(route(&n, net, 24, addr(10, 1, 0, 254), 1), 0);
  leads(&n, addr(192, 0, 2, 1), 1, addr(10, 1, 0, 254), addr(10, 1, 0, 1));
  assert_int_equal(ip_route_remove(&n.ip, &net, 96 + 24), 0);
  leads_nowhere(&n, addr(192, 0, 2, 1));
  assert_int_equal(ip_route_remove(&n.ip, &net, 96 + 24), -LA_EUNREACH);
  leads(&n, addr(10, 0, 0, 5), 0, addr(10, 0, 0, 5), addr(10, 0, 0, 1));
  down = n.ip.ifaces[0];
  down.flags = 0;
  assert_int_equal(ip_iface_set(&n.ip, 0, &down), 0);
  leads_nowhere(&n, addr(10, 0, 0, 5));
  down.flags = IP_IFACE_UP;
  assert_int_equal(ip_iface_set(&n.ip, 0, &down), 0);
  leads(&n, addr(10, 0, 0, 5), 0, addr(10, 0, 0, 5), addr(10, 0, 0, 1));
  assert_int_equal(ip_own_remove(&n.ip, 0, &ours), 0);
  assert_int_equal(ip_own_remove(&n.ip, 0, &ours), -LA_ENOADDR);
  leads_nowhere(&n, addr(10, 0, 0, 5));
  free(n.memory);
}

TEST(to_ourselves_by_the_loopback_interface_alone)
{
  struct net n;
  struct ip_iface down;

  begin(&n);
  leads(&n, addr(10, 0, 0, 1), 2, addr(10, 0, 0, 1), addr(10, 0, 0, 1));
  leads(&n, addr(127, 0, 0, 1), 2, addr(127, 0, 0, 1), addr(127, 0, 0, 1));
  down = n.ip.ifaces[2];
  down.flags &= ~(uint32_t)IP_IFACE_UP;
  assert_int_equal(ip_iface_set(&n.ip, 2, &down), 0);
  leads_nowhere(&n, addr(10, 0, 0, 1));
  leads_nowhere(&n, addr(127, 0, 0, 1));
  free(n.memory);
}

TEST(tables_are_bounded_and_refuse_what_makes_no_sense)
{
  struct net n;
  const struct ip_iface tiny = { .mtu = 67 };

  begin(&n);
  assert_int_equal(own(&n, 0, addr(10, 0, 0, 1), 8), -LA_EINUSE);
  assert_int_equal(own(&n, 3, addr(10, 0, 0, 2), 8), -LA_EINVAL);
  assert_int_equal(own(&n, 0, addr(10, 0, 0, 2), 33), -LA_EINVAL);
  assert_int_equal(own(&n, 0, addr(224, 0, 0, 2), 8), -LA_EINVAL);
  assert_int_equal(own(&n, 0, addr(0, 0, 0, 0), 8), -LA_EINVAL);
  assert_int_equal(own(&n, 0, addr(10, 0, 0, 2), 24), 0);
  assert_int_equal(own(&n, 0, addr(10, 0, 0, 3), 24), 0);
  assert_int_equal(own(&n, 0, addr(10, 0, 0, 4), 24), -LA_ENOROOM);
  for (uint8_t i = 0; i < 4; i++)
    assert_int_equal(route(&n, addr(172, 16, i, 0), 24, addr(0, 0, 0, 0), 0), 0);
  assert_int_equal(route(&n, addr(172, 16, 9, 0), 24, addr(0, 0, 0, 0), 0), -LA_ENOROOM);
  assert_int_equal(route(&n, addr(172, 16, 1, 7), 24, addr(0, 0, 0, 0), 0), -LA_EINUSE);
  assert_int_equal(route(&n, addr(172, 16, 9, 0), 24, addr(0, 0, 0, 0), 7), -LA_EINVAL);
  assert_int_equal(route(&n, addr(172, 16, 9, 0), 24, addr(240, 0, 0, 1), 0), -LA_EINVAL);
  assert_int_equal(ip_iface_set(&n.ip, 0, &tiny), -LA_EINVAL);
  assert_int_equal(ip_iface_set(&n.ip, 3, &n.ip.ifaces[0]), -LA_EINVAL);
  free(n.memory);
}

TEST(prefixes_cut_at_any_bit)
{
  const struct ip_addr a = addr(10, 1, 0x80, 1), b = addr(10, 1, 0xff, 1);

  for (unsigned bits = 0; bits <= 17; bits++)
    assert_true(ip_addr_in(&a, &b, (uint8_t)(96 + bits)));
  for (unsigned bits = 18; bits <= 32; bits++)
    assert_false(ip_addr_in(&a, &b, (uint8_t)(96 + bits)));
  assert_true(ip_addr_in(&a, &a, 128));
}

TEST(the_broadcast_address_of_a_net)
{
  struct net n;
  const struct ip_addr all = addr(255, 255, 255, 255), net = addr(10, 0, 0, 255);
  const struct ip_addr other = addr(10, 1, 255, 255), host = addr(10, 1, 9, 9);

  begin(&n);
  assert_true(ip_addr_is_broadcast(&n.ip, 0, &all));
  assert_true(ip_addr_is_broadcast(&n.ip, 0, &net));
  assert_false(ip_addr_is_broadcast(&n.ip, 1, &net));
  assert_true(ip_addr_is_broadcast(&n.ip, 1, &other));
  assert_false(ip_addr_is_broadcast(&n.ip, 1, &host));
  free(n.memory);
}

RUN(cmocka_unit_test(the_longest_prefix_wins),
    cmocka_unit_test(what_is_remembered_is_forgotten_with_any_change),
    cmocka_unit_test(to_ourselves_by_the_loopback_interface_alone),
    cmocka_unit_test(tables_are_bounded_and_refuse_what_makes_no_sense),
    cmocka_unit_test(prefixes_cut_at_any_bit), cmocka_unit_test(the_broadcast_address_of_a_net))
