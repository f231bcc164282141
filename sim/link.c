/* link.c - the fate of each packet, decided when it enters. The order of the draws from the
 * generator is fixed, so that one more feature switched on does not reshuffle the others' luck
 * within a packet. */
#include "link.h"

enum { PPM = 1000000, ETHERNET_HEADER = 14 };

const char *link_fate_text(enum link_fate fate)
{
  static const char *const texts[LINK_FATE_COUNT] = {
    [LINK_PASSES] = "delivered",
    [LINK_LOST] = "lost on the link",
    [LINK_SCRIPTED] = "lost on the link, as the scenario wants it",
    [LINK_QUEUE_FULL] = "dropped: the link's queue is full",
    [LINK_TOO_BIG] = "dropped by the router: too big, and it says so",
    [LINK_BLACK_HOLE] = "dropped by the router: too big, and it says nothing",
    [LINK_DOWN] = "lost: the link is down",
    [LINK_NOBODY] = "lost: nobody is there",
  };

  return fate < LINK_FATE_COUNT ? texts[fate] : "?";
}

void link_init(struct link *l, enum la_medium medium, uint64_t seed)
{
  *l = (struct link){ .medium = medium, .router = la_ip4(10, 0, 0, 254) };
  dice_seed(&l->rng, seed);
}

void link_rule_add(struct link *l, struct link_rule rule)
{
  if (l->rules < LINK_RULES)
    l->rule[l->rules++] = rule;
}

static bool rule_matches(const struct link_rule *r, unsigned way, la_time since,
                         const struct seg *g)
{
  if (r->way != way || g->kind != (r->datagrams ? SEG_UDP : SEG_TCP))
    return false;
  if ((g->flags & r->flags_mask) != r->flags || (r->with_text && g->text == 0))
    return false;
  if (r->port && r->port != g->from.port && r->port != g->to.port)
    return false;
  return since >= r->from && (r->until == 0 || since < r->until);
}

/* The first rule that says something about this packet. All rules count their matches. */
static const struct link_rule *rule_for(struct link *l, unsigned way, la_time since,
                                        const struct seg *g)
{
  const struct link_rule *found = NULL;

  for (uint32_t i = 0; i < l->rules; i++) {
    const struct link_rule *r = &l->rule[i];

    if (!rule_matches(r, way, since, g))
      continue;
    l->matched[i]++;
    if (!found && l->matched[i] >= r->first && (r->last == 0 || l->matched[i] <= r->last))
      found = r;
  }
  return found;
}

/* When the last bit has left the transmitter, or LA_NEVER when the queue has no room; and whether
 * it is long enough for marks. */
static la_time transmitted_at(struct link *l, unsigned way, la_time now, uint32_t n, bool *mark)
{
  const struct link_way *w = &l->way[way];
  la_time start = l->free_at[way] > now ? l->free_at[way] : now;
  uint64_t waiting;

  if (w->bits_per_s == 0)
    return now;
  waiting = (uint64_t)(start - now) * w->bits_per_s / 8 / (uint64_t)LA_SEC;
  if (w->queue_octets && waiting + n > w->queue_octets)
    return LA_NEVER;
  *mark = w->mark_octets && waiting + n > w->mark_octets;
  l->free_at[way] = start + (la_time)((uint64_t)n * 8 * (uint64_t)LA_SEC / w->bits_per_s);
  return l->free_at[way];
}

static bool chance(struct link *l, uint32_t ppm)
{
  return ppm && dice_below(&l->rng, PPM) < ppm;
}

static enum link_fate fate_of(struct link *l, unsigned way, la_time since, const struct seg *g,
                              const struct link_rule *rule)
{
  const struct link_way *w = &l->way[way];

  if (since >= w->down_from && since < w->down_until)
    return LINK_DOWN;
  if (rule && rule->act == LINK_ACT_DROP)
    return LINK_SCRIPTED;
  if (w->mtu && g->ip_length > w->mtu && since >= w->mtu_from)
    return w->black_hole || !g->dont_fragment ? LINK_BLACK_HOLE : LINK_TOO_BIG;
  return !rule && chance(l, w->loss_ppm) ? LINK_LOST : LINK_PASSES;
}

/* A radio that changes its cell: what would come meanwhile comes at the end, in order. */
static la_time after_stall(const struct link_way *w, la_time at)
{
  const la_time phase = w->stall_every > 0 ? at % w->stall_every : 0;

  return w->stall_every > 0 && phase < w->stall_for ? at + w->stall_for - phase : at;
}

static void plan_arrival(struct link *l, unsigned way, la_time out, const struct link_rule *rule,
                         struct link_plan *p)
{
  const struct link_way *w = &l->way[way];

  p->at = out + w->delay;
  if (w->jitter)
    p->at += (la_time)dice_below(&l->rng, (uint32_t)(w->jitter / 1000) + 1) * 1000;
  p->at = after_stall(w, p->at);
  if (chance(l, w->reorder_ppm)) {
    p->at += w->reorder_by;
    l->reordered[way]++;
  } else if (rule && rule->act == LINK_ACT_DELAY) {
    p->at += rule->by;
    l->reordered[way]++;
  } else {
    if (p->at < l->last_at[way])
      p->at = l->last_at[way];
    l->last_at[way] = p->at;
  }
  p->copy_at = LA_NEVER;
  if (rule && rule->act == LINK_ACT_DUPLICATE)
    p->copy_at = p->at + rule->by;
  else if (chance(l, w->duplicate_ppm))
    p->copy_at = p->at + (w->jitter ? w->jitter : LA_MS);
  if (p->copy_at != LA_NEVER)
    l->duplicated[way]++;
  p->corrupt = chance(l, w->corrupt_ppm) || (rule && rule->act == LINK_ACT_CORRUPT);
  l->corrupted[way] += p->corrupt;
}

struct link_plan link_enter(struct link *l, unsigned way, la_time now, la_time began,
                            const uint8_t *octets, uint32_t n)
{
  struct link_plan p = { .fate = LINK_PASSES, .at = LA_NEVER, .copy_at = LA_NEVER };
  const struct link_rule *rule;
  struct seg g;
  la_time out;

  seg_read(&g, l->medium, octets, n);
  rule = rule_for(l, way, now - began, &g);
  p.why = rule ? rule->why : NULL;
  p.fate = fate_of(l, way, now - began, &g, rule);
  if (p.fate == LINK_PASSES) {
    out = transmitted_at(l, way, now, n, &p.mark);
    if (out == LA_NEVER)
      p.fate = LINK_QUEUE_FULL;
    else
      plan_arrival(l, way, out, rule, &p);
  }
  l->count[way][p.fate]++;
  return p;
}

/* The octet with the two bits of RFC 3168 5 in it, and how far they are from its right. */
static uint8_t *ecn_of(const struct link *l, uint8_t *octets, uint32_t n, unsigned *shift)
{
  const uint32_t skip = l->medium == LA_MEDIUM_ETHERNET ? ETHERNET_HEADER : 0;
  const unsigned version = n >= skip + 20 ? octets[skip] >> 4 : 0;

  *shift = version == 6 ? 4 : 0;
  return version == 4 || version == 6 ? octets + skip + 1 : NULL;
}

/* RFC 1624 3: a checksum follows a change of one word. */
static void mend_sum(uint8_t *ip, uint16_t before)
{
  const uint16_t after = (uint16_t)(ip[0] << 8 | ip[1]);
  uint32_t sum = (uint16_t)~(ip[10] << 8 | ip[11]);

  sum += (uint16_t)~before;
  sum += after;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  ip[10] = (uint8_t)(~sum >> 8);
  ip[11] = (uint8_t)~sum;
}

bool link_mark(struct link *l, uint8_t *octets, uint32_t n)
{
  unsigned shift;
  uint8_t *const at = ecn_of(l, octets, n, &shift);
  uint16_t before;

  if (!at || (*at >> shift & 3) == 0)
    return false;
  before = (uint16_t)(at[-1] << 8 | at[0]);
  *at |= (uint8_t)(3 << shift);
  if (shift == 0)
    mend_sum(at - 1, before);
  return true;
}

void link_corrupt(struct link *l, uint8_t *octets, uint32_t n)
{
  uint32_t skip = l->medium == LA_MEDIUM_ETHERNET ? ETHERNET_HEADER : 0, bits = (n - skip) * 8;
  uint32_t length = 1 + dice_below(&l->rng, 15), start;

  if (n <= skip || bits <= length)
    return;
  start = dice_below(&l->rng, bits - length + 1);
  for (uint32_t i = start; i < start + length; i++)
    if (i == start || dice_below(&l->rng, 2))
      octets[skip + i / 8] ^= (uint8_t)(1u << (i % 8));
}
