/* unit.h - what cmocka wants to have included before it, and the tests' short words. */
#ifndef LA_TEST_UNIT_H
#define LA_TEST_UNIT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state_of_test __attribute__((unused)))
#define RUN(...)                                                                \
  int main(void)                                                                \
  {                                                                             \
    const struct CMUnitTest tests[] = { __VA_ARGS__ };                          \
                                                                                \
    return cmocka_run_group_tests(tests, NULL, NULL);                           \
  }

/* A block of memory for a test, zeroed and aligned to 64; free() it. */
static inline void *test_memory(size_t octets)
{
  void *const memory = aligned_alloc(64, (octets + 127) & ~(size_t)63);

  assert_non_null(memory);
  memset(memory, 0, octets);
  return memory;
}

#endif
