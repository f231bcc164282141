/* habit_set.c - habits, kept once for all control blocks that have the same.  A thousand
 * connections of one listener share one set; whoever changes an option moves to the set that has
 * it, which is made if there is none yet, and the set that nobody uses any more is gone.
 *
 * They are compared as octets. Should two equal ones ever differ in padding, then there are two
 * sets of them, which costs memory and nothing else. */
#include "base/need.h"
#include "tcp/room.h"

static uint32_t *bucket_of(const struct tcp *t, const struct tcp_habits *habits)
{
  return &t->habit_buckets[hash_octets(t->key, habits, sizeof *habits) & t->habit_mask];
}

static struct habit_set *set_at(const struct tcp *t, uint32_t number)
{
  return pool_at(&t->habit_sets, number - 1);
}

static struct habit_set *find(const struct tcp *t, const struct tcp_habits *habits)
{
  for (uint32_t i = *bucket_of(t, habits); i != 0; i = set_at(t, i)->next) /* at most all sets */
    if (memcmp(&set_at(t, i)->habits, habits, sizeof *habits) == 0)
      return set_at(t, i);
  return NULL;
}

static struct habit_set *make(struct tcp *t, const struct tcp_habits *habits)
{
  uint32_t *const bucket = bucket_of(t, habits);
  struct habit_set *const set = pool_get(&t->habit_sets);

  if (!set)
    return NULL;
  *set = (struct habit_set){ .next = *bucket };
  memcpy(&set->habits, habits, sizeof *habits);
  *bucket = pool_index(&t->habit_sets, set) + 1;
  return set;
}

static void unmake(struct tcp *t, struct habit_set *set)
{
  uint32_t *link = bucket_of(t, &set->habits);
  const uint32_t number = pool_index(&t->habit_sets, set) + 1;

  while (*link != number) { /* at most all sets */
    need(*link != 0);
    link = &set_at(t, *link)->next;
  }
  *link = set->next;
  pool_put(&t->habit_sets, set);
}

void tcp_habits_share(struct tcb *tcb, const struct tcp_habits *habits)
{
  need(!tcb->habits);
  ((struct habit_set *)(uintptr_t)habits)->users++;
  tcb->habits = habits;
}

void tcp_habits_leave(struct tcp *t, struct tcb *tcb)
{
  struct habit_set *const set = (struct habit_set *)(uintptr_t)tcb->habits;

  tcb->habits = NULL;
  if (--set->users == 0)
    unmake(t, set);
}

bool tcp_habits_change(struct tcp *t, struct tcb *tcb, const struct tcp_habits *habits)
{
  struct habit_set *const own = (struct habit_set *)(uintptr_t)tcb->habits;
  struct habit_set *set = find(t, habits);

  if (!set && own && own->users == 1 && t->habit_sets.used == t->habit_sets.size) {
    tcp_habits_leave(t, tcb); /* the place that becomes free is enough */
    set = make(t, habits);
    need(set != NULL);
    tcp_habits_share(tcb, &set->habits);
    return true;
  }
  if (!set)
    set = make(t, habits);
  if (!set)
    return false;
  set->users++; /* before its own is left: it may be the same */
  if (own)
    tcp_habits_leave(t, tcb);
  tcb->habits = &set->habits;
  return true;
}
