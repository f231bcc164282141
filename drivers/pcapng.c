/* pcapng.c - blocks of the pcapng format in the host's byte order, as the format wants it: a
 * section header, a description of each interface, and an enhanced packet block per packet. */
#include "pcapng.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum block { BLOCK_INTERFACE = 1, BLOCK_PACKET = 6, BLOCK_SECTION = 0x0a0d0d0a };
enum option {
  OPTION_END = 0, OPTION_COMMENT = 1, OPTION_IF_NAME = 2, OPTION_EPB_FLAGS = 2,
  OPTION_IF_TSRESOL = 9, OPTION_SHB_USERAPPL = 4
};
enum { NANOSECONDS = 9, NAME_OCTETS_MAX = 64, BLOCK_HEAD = 8, BLOCK_TAIL = 4 };

struct pcapng {
  FILE    *file;
  int      interfaces, error;
};

static size_t padded(size_t n)
{
  return (n + 3) & ~(size_t)3;
}

static void put(struct pcapng *p, const void *octets, size_t n)
{
  if (n && fwrite(octets, 1, n, p->file) != n && !p->error)
    p->error = errno ? errno : EIO;
}

static void put16(struct pcapng *p, uint16_t v)
{
  put(p, &v, sizeof v);
}

static void put32(struct pcapng *p, uint32_t v)
{
  put(p, &v, sizeof v);
}

static void put_padded(struct pcapng *p, const void *octets, size_t n)
{
  static const uint8_t zeros[4];

  put(p, octets, n);
  put(p, zeros, padded(n) - n);
}

/* An option takes a head of four octets and its value, filled up to four. */
static size_t option_size(size_t n)
{
  return 4 + padded(n);
}

static void put_option(struct pcapng *p, uint16_t code, const void *octets, size_t n)
{
  put16(p, code);
  put16(p, (uint16_t)n);
  put_padded(p, octets, n);
}

static uint32_t begin_block(struct pcapng *p, uint32_t type, size_t body)
{
  uint32_t total = (uint32_t)(BLOCK_HEAD + body + BLOCK_TAIL);

  put32(p, type);
  put32(p, total);
  return total;
}

static void put_section(struct pcapng *p)
{
  static const char application[] = "lastack " LA_VERSION;
  size_t body = 16 + option_size(sizeof application - 1) + option_size(0);
  uint32_t total = begin_block(p, BLOCK_SECTION, body);

  put32(p, 0x1a2b3c4d);
  put16(p, 1);
  put16(p, 0);
  put32(p, UINT32_MAX);             /* the section's length is not told: -1 in 64 bits */
  put32(p, UINT32_MAX);
  put_option(p, OPTION_SHB_USERAPPL, application, sizeof application - 1);
  put_option(p, OPTION_END, NULL, 0);
  put32(p, total);
}

struct pcapng *pcapng_open(const char *path)
{
  struct pcapng *p = calloc(1, sizeof *p);

  if (!p)
    return NULL;
  p->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
  if (!p->file) {
    free(p);
    return NULL;
  }
  put_section(p);
  return p;
}

int pcapng_interface(struct pcapng *p, const char *name, enum pcapng_link link)
{
  const uint8_t resolution = NANOSECONDS;
  size_t n = strnlen(name, NAME_OCTETS_MAX), body;
  uint32_t total;

  body = 8 + option_size(n) + option_size(sizeof resolution) + option_size(0);
  total = begin_block(p, BLOCK_INTERFACE, body);
  put16(p, (uint16_t)link);
  put16(p, 0);
  put32(p, 0);                      /* packets are whole, whatever their size */
  put_option(p, OPTION_IF_NAME, name, n);
  put_option(p, OPTION_IF_TSRESOL, &resolution, sizeof resolution);
  put_option(p, OPTION_END, NULL, 0);
  put32(p, total);
  if (p->error) {
    errno = p->error;
    return -1;
  }
  return p->interfaces++;
}

void pcapng_packet(struct pcapng *p, int iface, la_time at, int direction, const void *octets,
                   size_t n, const char *comment)
{
  size_t words = comment ? strnlen(comment, PCAPNG_COMMENT_MAX) : 0, body;
  uint32_t total, flags = (uint32_t)direction;
  uint64_t time = (uint64_t)at;

  body = 20 + padded(n) + option_size(sizeof flags) + option_size(0);
  if (words)
    body += option_size(words);
  total = begin_block(p, BLOCK_PACKET, body);
  put32(p, (uint32_t)iface);
  put32(p, (uint32_t)(time >> 32));
  put32(p, (uint32_t)time);
  put32(p, (uint32_t)n);
  put32(p, (uint32_t)n);
  put_padded(p, octets, n);
  put_option(p, OPTION_EPB_FLAGS, &flags, sizeof flags);
  if (words)
    put_option(p, OPTION_COMMENT, comment, words);
  put_option(p, OPTION_END, NULL, 0);
  put32(p, total);
}

void pcapng_flush(struct pcapng *p)
{
  if (fflush(p->file) != 0 && !p->error)
    p->error = errno;
}

int pcapng_close(struct pcapng *p)
{
  int error;

  pcapng_flush(p);
  if (p->file != stdout && fclose(p->file) != 0 && !p->error)
    p->error = errno;
  error = p->error;
  free(p);
  errno = error;
  return error ? -1 : 0;
}
