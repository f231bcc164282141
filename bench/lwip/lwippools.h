/* lwippools.h - the sizes that lwIP's mem_malloc serves: a header, and a full segment. */
LWIP_MALLOC_MEMPOOL_START
LWIP_MALLOC_MEMPOOL(8192, 128)
LWIP_MALLOC_MEMPOOL(4096, 1600)
LWIP_MALLOC_MEMPOOL_END
