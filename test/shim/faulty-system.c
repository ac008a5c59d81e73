/*
 * Loaded before a node's processes (LD_PRELOAD): a disk that fails and a clock that jumps, by order.
 * FAULTY_SYSTEM names a file of sixteen bytes that is mapped and may change at any time:
 *
 *   int32  fsync and fdatasync of the server fail with this errno
 *   int32  the server's writes to files fail with this errno (sockets and pipes go on)
 *   int64  seconds that every clock of the day is ahead; the monotonic one is left alone
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct orders {
  int32_t flush;
  int32_t write;
  int64_t ahead;
};

static const struct orders none;
static const volatile struct orders *orders = &none;
static int stores;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULTY_SYSTEM");
  char line[4096];
  int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *page = mmap(NULL, sizeof(struct orders), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (page == MAP_FAILED) return;
  file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? 0 : read(file, line, sizeof line);
  if (file >= 0) close(file);
  stores = length > 0 && memmem(line, (size_t)length, "service/server.", 15) != NULL;
  orders = page;
}

/* What the C library itself does; looked up once. */
#define NEXT(name, result, ...)                                      \
  static result (*name##_next)(__VA_ARGS__);                         \
  if (name##_next == NULL) {                                         \
    name##_next = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name);   \
  }

static int flush_fails(void) {
  if (!stores || orders->flush == 0) return 0;
  errno = orders->flush;
  return 1;
}

static int write_fails(int file) {
  struct stat about;
  if (!stores || orders->write == 0) return 0;
  if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) return 0;
  errno = orders->write;
  return 1;
}

int fsync(int file) {
  if (flush_fails()) return -1;
  return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  if (flush_fails()) return -1;
  return (int)syscall(SYS_fdatasync, file);
}

ssize_t write(int file, const void *bytes, size_t length) {
  NEXT(write, ssize_t, int, const void *, size_t)
  return write_fails(file) ? -1 : write_next(file, bytes, length);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
  NEXT(writev, ssize_t, int, const struct iovec *, int)
  return write_fails(file) ? -1 : writev_next(file, parts, count);
}

#define POSITIONED(name, offset)                                        \
  ssize_t name(int file, const void *bytes, size_t length, offset at) { \
    NEXT(name, ssize_t, int, const void *, size_t, offset)              \
    return write_fails(file) ? -1 : name##_next(file, bytes, length, at); \
  }

POSITIONED(pwrite, off_t)
POSITIONED(pwrite64, off64_t)

int clock_gettime(clockid_t clock, struct timespec *time) {
  NEXT(clock_gettime, int, clockid_t, struct timespec *)
  int result = clock_gettime_next(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    time->tv_sec += orders->ahead;
  }
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}
