/* dice.h - the generator behind every random thing of a world: base/rng.h, of which the rooms
 * that include this header need to know nothing. */
#ifndef LA_SIM_DICE_H
#define LA_SIM_DICE_H
#include <stdbool.h>
#include <stdint.h>

struct dice { uint64_t state[4]; };

void     dice_seed(struct dice *d, uint64_t seed);
uint64_t dice_next(struct dice *d);
uint32_t dice_below(struct dice *d, uint32_t n);          /* 0 .. n-1; n > 0 */
bool     dice_one_in(struct dice *d, uint32_t n);         /* true once in n throws */

/* Small numbers are as likely as large ones: uniform in the number of digits, below 2^bits. */
uint32_t dice_size(struct dice *d, uint32_t bits);

/* Whole milliseconds up to `most`, both in nanoseconds. */
int64_t  dice_time(struct dice *d, int64_t most);

#endif
