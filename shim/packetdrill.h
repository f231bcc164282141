/* packetdrill.h - the interface between packetdrill and a stack in a shared object: a table of
 * calls that packetdrill_interface_init fills in. The order and the types of the members are
 * packetdrill's; each call gets `userdata` first and else means what its namesake in POSIX or
 * Linux means. A network device joins them: netdev_send gives the stack an IP packet,
 * netdev_receive takes the next one that it sends (*count 0: none will come). */
#ifndef LA_SHIM_PACKETDRILL_H
#define LA_SHIM_PACKETDRILL_H
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

struct packetdrill_interface {
  void *userdata;
  void (*free)(void *userdata);
  int (*socket)(void *userdata, int domain, int type, int protocol);
  int (*bind)(void *userdata, int fd, const struct sockaddr *name, socklen_t length);
  int (*listen)(void *userdata, int fd, int backlog);
  int (*accept)(void *userdata, int fd, struct sockaddr *name, socklen_t *length);
  int (*connect)(void *userdata, int fd, const struct sockaddr *name, socklen_t length);
  ssize_t (*read)(void *userdata, int fd, void *octets, size_t n);
  ssize_t (*readv)(void *userdata, int fd, const struct iovec *pieces, int n);
  ssize_t (*recv)(void *userdata, int fd, void *octets, size_t n, int flags);
  ssize_t (*recvfrom)(void *userdata, int fd, void *octets, size_t n, int flags,
                      struct sockaddr *name, socklen_t *length);
  ssize_t (*recvmsg)(void *userdata, int fd, struct msghdr *message, int flags);
  ssize_t (*write)(void *userdata, int fd, const void *octets, size_t n);
  ssize_t (*writev)(void *userdata, int fd, const struct iovec *pieces, int n);
  ssize_t (*send)(void *userdata, int fd, const void *octets, size_t n, int flags);
  ssize_t (*sendto)(void *userdata, int fd, const void *octets, size_t n, int flags,
                    const struct sockaddr *name, socklen_t length);
  ssize_t (*sendmsg)(void *userdata, int fd, const struct msghdr *message, int flags);
  int (*fcntl)(void *userdata, int fd, int command, ...);
  int (*ioctl)(void *userdata, int fd, unsigned long request, ...);
  int (*close)(void *userdata, int fd);
  int (*shutdown)(void *userdata, int fd, int how);
  int (*getsockopt)(void *userdata, int fd, int level, int option, void *value,
                    socklen_t *length);
  int (*setsockopt)(void *userdata, int fd, int level, int option, const void *value,
                    socklen_t length);
  int (*poll)(void *userdata, struct pollfd *fds, nfds_t n, int timeout_ms);
  int (*netdev_send)(void *userdata, const void *octets, size_t n);
  int (*netdev_receive)(void *userdata, void *octets, size_t *count, long long *time_us);
  int (*usleep)(void *userdata, useconds_t us);
  int (*gettimeofday)(void *userdata, struct timeval *tv, struct timezone *tz);
  int (*epoll_create)(void *userdata, int size);
  int (*epoll_ctl)(void *userdata, int epfd, int op, int fd, struct epoll_event *event);
  int (*epoll_wait)(void *userdata, int epfd, struct epoll_event *events, int n, int timeout_ms);
  int (*pipe)(void *userdata, int fds[2]);
  int (*splice)(void *userdata, int in, loff_t *in_at, int out, loff_t *out_at, size_t n,
                unsigned int flags);
};

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc);

#endif
