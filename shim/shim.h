/* shim.h - one stack, its virtual time and its files, behind packetdrill's table of calls.
 *
 * Time passes only in shim_advance: the main thread's usleep, netdev_receive, and calls that would
 * block it. Calls of other threads that must wait sleep on a condition variable; whoever moves the
 * time wakes them and goes on when each sleeps again, or has returned and asked for the time. So
 * at most one thread runs, and equal scripts give equal octets. */
#ifndef LA_SHIM_SHIM_H
#define LA_SHIM_SHIM_H
#include "lastack.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
  SHIM_FILES = 64, SHIM_WATCHES = 64, SHIM_PACKET_MAX = 65535, SHIM_ERROR_TEXT = 160,
  SHIM_PATH = 104
};

struct packet {
  struct packet *next;
  la_time at;
  size_t  length;
  uint8_t octets[];
};

enum file_kind { FILE_FREE, FILE_TCP, FILE_EPOLL, FILE_PIPE };

/* What a descriptor stands for. The number is a real one, so that the kernel gives it to nobody
 * else; for sockets nothing ever passes through it. */
struct file {
  enum file_kind kind;
  int      fd, domain;
  la_sock  sock;
  bool     nonblocking, connecting, connected, bound, listening, read_shut, write_shut;
  bool     ended;                             /* the peer's FIN has come */
  bool     full;                              /* a send took less; cleared by LA_EV_WRITABLE */
  bool     inq;                               /* TCP_INQ: recvmsg tells what is left */
  bool     fastopen_connect, deferred;        /* the SYN waits for text, to `peer` */
  bool     soft_told;                         /* what the network said of it was reported */
  int16_t  error;                             /* of SO_ERROR: an errno, reported once */
  la_time  receive_timeout, send_timeout;     /* SO_RCVTIMEO, SO_SNDTIMEO; 0: none */
  uint32_t wakes;                             /* how often something happened that epoll tells */
  int      fastopen;                          /* TCP_FASTOPEN */
  la_endpoint peer;
};

struct watch { int epfd, fd; uint32_t told; bool fresh, off; struct epoll_event event; };

/* What is not la_config's: the machine around the stack. */
struct settings {
  la_config config;
  la_addr  local;                             /* len 0: learnt from bind or the first packet */
  uint32_t mtu, gso_max;
  uint32_t fastopen;                          /* net.ipv4.tcp_fastopen's bits */
  uint8_t  fastopen_key[16];                  /* for the stack's beginning, if there is one */
  bool     has_fastopen_key;
  bool     linux_errors;                      /* a reset after the peer's FIN is EPIPE, and not
                                                 what reading ends with */
  bool     link_cuts;                         /* super-packets, into segments, as GSO does */
  bool     pacing;                            /* LA_OPT_PACING of new sockets */
  bool     double_buffers;                    /* SO_SNDBUF, SO_RCVBUF answer twice what was set */
  char     control[SHIM_PATH];                /* a Unix socket that answers questions; "": none */
};

struct shim {
  pthread_mutex_t lock;
  pthread_cond_t  moved, settled;             /* time or the stack's state; the threads it woke */
  pthread_t main;
  unsigned asleep, looking, owing;            /* calls that wait, look again, owe a question */
  unsigned turns;                             /* how often the sleepers were woken */
  la_time alarm;                              /* the first of their time-outs */
  int      control;                           /* its descriptor, -1 */
  pthread_t controller;
  struct settings set;
  char     error[SHIM_ERROR_TEXT];            /* why there can be no stack; "" : none */
  la_stack *stack;                            /* NULL until the first socket */
  void    *memory;
  int      iface;
  bool     named;                             /* it has an address */
  la_time  now;
  struct packet *first, **end;                /* sent, and not yet taken */
  unsigned long bad_checksums;
  struct file files[SHIM_FILES];
  struct watch watches[SHIM_WATCHES];
};

/* settings.c: "name=value", many of them between blanks or commas. -1: `error` says which. */
void shim_settings_default(struct shim *m);
int  shim_settings_read(struct shim *m, const char *words);

/* control.c: other settings while it runs; how many sockets are in a state, and their end. */
int  shim_change(struct shim *m, const char *words);
unsigned shim_in_state(struct shim *m, const char *state, bool drop);
void shim_control_begin(struct shim *m);      /* answers at set.control, if there is such a path */
void shim_control_end(struct shim *m);

/* world.c */
int  shim_begin(struct shim *m);              /* the stack, at the first socket */
void shim_end(struct shim *m);
int  shim_learn(struct shim *m, la_addr addr);
void shim_turn(struct shim *m);               /* the stack speaks; the sleepers look again */
void shim_advance(struct shim *m, la_time until);
/* Waits until something may have changed, `until` at the latest. false: nothing ever will, or
 * `until` has come. */
bool shim_wait(struct shim *m, la_time until);
/* A call that may have waited returns: its thread asks for the time before the others go on. */
void shim_waited(struct shim *m);
void shim_asked(struct shim *m);
bool shim_step(struct shim *m);               /* to the next deadline; false: there is none */
bool shim_packet_sound(const uint8_t *octets, size_t n);

/* files.c */
struct file *shim_file(struct shim *m, int fd, enum file_kind kind);        /* NULL: EBADF */
struct file *shim_file_new(struct shim *m, enum file_kind kind, int fd);
struct file *shim_file_of_sock(struct shim *m, la_sock sock);
int  shim_fail(int error);                    /* sets errno; -1 */
int  shim_errno(int result);                  /* of the stack's error */
short shim_ready(struct shim *m, struct file *f);
bool shim_readable_memory(const void *octets, size_t n);   /* the caller's, all of it */
bool shim_writable_memory(void *octets, size_t n);
la_time shim_until(const struct shim *m, la_time timeout); /* of SO_RCVTIMEO, SO_SNDTIMEO */

/* info.c */
struct shim_tcp_info;
void shim_info(const struct shim *m, const la_sock_info *i, struct shim_tcp_info *t);

/* socket.c, stream.c: parts of calls, under the lock */
int  shim_from_name(const struct sockaddr *name, socklen_t length, la_endpoint *end);
int  shim_start(struct shim *m, struct file *f, la_endpoint peer);
int  shim_finish(struct shim *m, int fd);
ssize_t shim_put(struct shim *m, int fd, const uint8_t *octets, size_t n, int flags);

/* fastopen.c */
int  shim_fastopen_listen(struct shim *m, const struct file *f, int backlog);
bool shim_fastopen_is_option(int level, int name);
int  shim_fastopen_set(struct shim *m, struct file *f, int name, const void *value,
                       socklen_t length);
int  shim_fastopen_get(const struct shim *m, const struct file *f, int name, int64_t *number);
bool shim_fastopen_defers(struct shim *m, struct file *f, la_endpoint peer);
bool shim_fastopen_takes(const struct file *f, int flags, bool named);
ssize_t shim_fastopen_send(struct shim *m, int fd, const void *octets, size_t n, int flags,
                           const struct sockaddr *name, socklen_t length);

/* The calls, in the files that begin with the same word. */
int shim_socket(void *u, int domain, int type, int protocol);
int shim_bind(void *u, int fd, const struct sockaddr *name, socklen_t length);
int shim_listen(void *u, int fd, int backlog);
int shim_accept(void *u, int fd, struct sockaddr *name, socklen_t *length);
int shim_connect(void *u, int fd, const struct sockaddr *name, socklen_t length);
int shim_close(void *u, int fd);
int shim_shutdown(void *u, int fd, int how);
int shim_fcntl(void *u, int fd, int command, ...);
int shim_ioctl(void *u, int fd, unsigned long request, ...);
int shim_getsockopt(void *u, int fd, int level, int option, void *value, socklen_t *length);
int shim_setsockopt(void *u, int fd, int level, int option, const void *value, socklen_t length);
ssize_t shim_read(void *u, int fd, void *octets, size_t n);
ssize_t shim_readv(void *u, int fd, const struct iovec *pieces, int n);
ssize_t shim_recv(void *u, int fd, void *octets, size_t n, int flags);
ssize_t shim_recvfrom(void *u, int fd, void *octets, size_t n, int flags, struct sockaddr *name,
                      socklen_t *length);
ssize_t shim_recvmsg(void *u, int fd, struct msghdr *message, int flags);
ssize_t shim_write(void *u, int fd, const void *octets, size_t n);
ssize_t shim_writev(void *u, int fd, const struct iovec *pieces, int n);
ssize_t shim_send(void *u, int fd, const void *octets, size_t n, int flags);
ssize_t shim_sendto(void *u, int fd, const void *octets, size_t n, int flags,
                    const struct sockaddr *name, socklen_t length);
ssize_t shim_sendmsg(void *u, int fd, const struct msghdr *message, int flags);
int shim_poll(void *u, struct pollfd *fds, nfds_t n, int timeout_ms);
int shim_epoll_create(void *u, int size);
int shim_epoll_ctl(void *u, int epfd, int op, int fd, struct epoll_event *event);
int shim_epoll_wait(void *u, int epfd, struct epoll_event *events, int n, int timeout_ms);
int shim_pipe(void *u, int fds[2]);
int shim_splice(void *u, int in, loff_t *in_at, int out, loff_t *out_at, size_t n,
                unsigned int flags);

#endif
