/* outside.c - a program of somebody else, against the installed library. */
#include <lastack.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
  la_config config;
  la_config_default(&config);
  size_t size = la_size(&config);
  void *memory = aligned_alloc(64, size);
  la_stack *s = memory ? la_init(memory, size, &config, 0) : NULL;
  printf("%zu octets, %s\n", size, la_strerror(LA_OK));
  if (s)
    la_fini(s);
  free(memory);
  return s == NULL;
}
