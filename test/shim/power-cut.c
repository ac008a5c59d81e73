/*
 * Loaded before a process (LD_PRELOAD), it keeps beside each file what a disk would hold after a
 * power cut: the bytes that were flushed (fsync, fdatasync), under the name that was flushed with
 * the folder. It fails by order, too: a flush, a write to a disk that is full, everything once the
 * power is gone.
 *
 * A disk is a folder below the environment's POWER_CUT_ROOT, its name without a dot, for which
 * NAME.control was made beside it; its flushed files lie in NAME.flushed/, those whose names are
 * not flushed yet as FILE.unnamed. Files that end in -shm are memory, not disk.
 *
 * As on Linux, a flush that fails leaves the bytes in the page cache and marks them clean: a later
 * flush says success and has written none of them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Shared with who gives the orders: numbers of 32 bits, -1 for never. */
struct control {
  int32_t off;        /* the power is gone: nothing is written any more */
  int32_t until_off;  /* operations until then */
  int32_t until_full; /* writes that make a file longer until the disk is full */
  int32_t until_fail; /* flushes until one fails */
  int32_t operations; /* counted: writes, truncations, flushes */
  int32_t flushes;    /* counted: flushes that succeeded */
};

struct disk {
  char path[512];
  struct control *control;
  struct disk *next;
};

struct range {
  off_t from, to;
};

struct file {
  char path[768];
  struct disk *disk;
  int reader, copy;
  int named;
  size_t count, room;
  struct range *dirty;
  struct file *next;
};

enum { fds = 4096 };
static struct file *opened[fds];
static struct disk *folders[fds];
static int appending[fds];
static struct disk *disks;
static struct file *files;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(result, name, ...)                        \
  static result (*real_##name)(__VA_ARGS__);           \
  __attribute__((constructor)) static void find_##name(void) { \
    real_##name = dlsym(RTLD_NEXT, #name);             \
  }

REAL(int, open64, const char *, int, ...)
REAL(int, openat64, int, const char *, int, ...)
REAL(int, close, int)
REAL(ssize_t, write, int, const void *, size_t)
REAL(ssize_t, pwrite64, int, const void *, size_t, off_t)
REAL(ssize_t, writev, int, const struct iovec *, int)
REAL(ssize_t, pwritev64, int, const struct iovec *, int, off_t)
REAL(int, ftruncate64, int, off_t)
REAL(int, fsync, int)
REAL(int, fdatasync, int)
REAL(int, unlink, const char *)

static struct disk *disk_at(const char *path, size_t length) {
  for (struct disk *each = disks; each != NULL; each = each->next) {
    if (strncmp(each->path, path, length) == 0 && each->path[length] == 0) return each;
  }
  char control[600];
  snprintf(control, sizeof control, "%.*s.control", (int)length, path);
  int fd = real_open64(control, O_RDWR | O_CLOEXEC);
  if (fd < 0) return NULL;
  struct control *shared =
      mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  real_close(fd);
  struct disk *disk = calloc(1, sizeof *disk);
  if (shared == MAP_FAILED || disk == NULL) abort();
  snprintf(disk->path, sizeof disk->path, "%.*s", (int)length, path);
  disk->control = shared;
  disk->next = disks;
  return disks = disk;
}

/* The disk that a path lies on: `name` is then what comes behind the folder, "" for itself. */
static struct disk *disk_of(const char *path, const char **name) {
  static const char *root;
  static size_t length;
  if (root == NULL) {
    root = getenv("POWER_CUT_ROOT");
    if (root == NULL) root = "";
    length = strlen(root);
  }
  if (length == 0 || strncmp(path, root, length) != 0 || path[length] != '/') return NULL;
  const char *last = strrchr(path, '/') + 1;
  *name = last;
  if ((size_t)(last - path) > length + 1) {
    struct disk *disk = disk_at(path, (size_t)(last - path) - 1);
    if (disk != NULL) return disk;
  }
  *name = "";
  return strchr(last, '.') == NULL ? disk_at(path, strlen(path)) : NULL;
}

static void copy_path(struct file *file, int named, char *path, size_t size) {
  const char *name = file->path + strlen(file->disk->path) + 1;
  snprintf(path, size, "%s.flushed/%s%s", file->disk->path, name, named ? "" : ".unnamed");
}

static void touched(struct file *file, off_t from, off_t to) {
  if (to <= from) return;
  if (file->count > 0) {
    struct range *last = &file->dirty[file->count - 1];
    if (from <= last->to && to >= last->from) {
      if (from < last->from) last->from = from;
      if (to > last->to) last->to = to;
      return;
    }
  }
  if (file->count == file->room) {
    size_t room = file->room == 0 ? 64 : file->room * 2;
    struct range *more = realloc(file->dirty, room * sizeof *more);
    if (more == NULL) abort();
    file->dirty = more;
    file->room = room;
  }
  file->dirty[file->count++] = (struct range){from, to};
}

static struct file *known(const char *path) {
  for (struct file *each = files; each != NULL; each = each->next) {
    if (strcmp(each->path, path) == 0) return each;
  }
  return NULL;
}

static void forget(struct file *file) {
  for (int fd = 0; fd < fds; fd++) {
    if (opened[fd] == file) opened[fd] = NULL;
  }
  for (struct file **at = &files; *at != NULL; at = &(*at)->next) {
    if (*at != file) continue;
    *at = file->next;
    break;
  }
  real_close(file->reader);
  real_close(file->copy);
  free(file->dirty);
  free(file);
}

/* After a real open: begins to follow the file. */
static void follow(int fd, const char *path, int flags, int made, struct disk *disk) {
  struct file *file = known(path);
  if (file == NULL) {
    file = calloc(1, sizeof *file);
    if (file == NULL) abort();
    snprintf(file->path, sizeof file->path, "%s", path);
    file->disk = disk;
    char copy[900];
    copy_path(file, 1, copy, sizeof copy);
    file->named = !made && access(copy, F_OK) == 0;
    copy_path(file, file->named, copy, sizeof copy);
    file->reader = real_open64(path, O_RDONLY | O_CLOEXEC);
    file->copy = real_open64(copy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file->reader < 0 || file->copy < 0) abort();
    file->next = files;
    files = file;
  }
  if ((flags & O_TRUNC) != 0) file->count = 0;
  if (fd >= fds) abort();
  opened[fd] = file;
  appending[fd] = (flags & O_APPEND) != 0;
}

static int opening(int folder, const char *path, int flags, mode_t mode) {
  const char *name = "";
  struct disk *disk = path[0] == '/' ? disk_of(path, &name) : NULL;
  if (disk == NULL) return real_openat64(folder, path, flags, mode);
  size_t length = strlen(name);
  int memory = length > 4 && strcmp(name + length - 4, "-shm") == 0;
  int made = (flags & O_CREAT) != 0 && *name != 0 && !memory && access(path, F_OK) != 0;
  if (made && disk->control->off) {
    errno = EIO;
    return -1;
  }
  int fd = real_openat64(folder, path, flags, mode);
  if (fd < 0 || fd >= fds) return fd;
  pthread_mutex_lock(&lock);
  opened[fd] = NULL;
  folders[fd] = NULL;
  if (*name == 0) folders[fd] = disk;
  else if (!memory) follow(fd, path, flags, made, disk);
  pthread_mutex_unlock(&lock);
  return fd;
}

int openat64(int folder, const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opening(folder, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opening(folder, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opening(AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opening(AT_FDCWD, path, flags, mode);
}

int close(int fd) {
  if (fd >= 0 && fd < fds) {
    opened[fd] = NULL;
    folders[fd] = NULL;
  }
  return real_close(fd);
}

static struct file *file_at(int fd) {
  return fd >= 0 && fd < fds ? opened[fd] : NULL;
}

/* Whether this operation is still done; it is the last one where the power goes with it. */
static int powered(struct control *control) {
  control->operations++;
  if (control->until_off > 0 && --control->until_off == 0) control->off = 1;
  if (!control->off) return 1;
  errno = EIO;
  return 0;
}

static off_t length_of(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? status.st_size : 0;
}

/* Whether bytes up to there may be written. */
static int fits(struct file *file, off_t to) {
  struct control *control = file->disk->control;
  if (control->until_full < 0 || to <= length_of(file->reader)) return 1;
  if (control->until_full > 0) control->until_full--;
  if (control->until_full > 0) return 1;
  errno = ENOSPC;
  return 0;
}

static ssize_t total(const struct iovec *parts, int count) {
  ssize_t bytes = 0;
  for (int i = 0; i < count; i++) bytes += (ssize_t)parts[i].iov_len;
  return bytes;
}

/* One write, however it was asked for. `at`: -1 for where the descriptor stands. */
static ssize_t written(int fd, struct file *file, const struct iovec *parts, int count, off_t at) {
  pthread_mutex_lock(&lock);
  off_t from = at;
  if (appending[fd]) from = length_of(fd);
  else if (at < 0) from = lseek(fd, 0, SEEK_CUR);
  ssize_t bytes = -1;
  if (powered(file->disk->control) && fits(file, from + total(parts, count))) {
    off_t before = length_of(fd);
    bytes = at < 0 ? real_writev(fd, parts, count) : real_pwritev64(fd, parts, count, at);
    // A gap reads as zeros, and those are not on the disk either.
    if (bytes > 0) touched(file, before < from ? before : from, from + bytes);
  }
  pthread_mutex_unlock(&lock);
  return bytes;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  struct file *file = file_at(fd);
  if (file == NULL) return real_write(fd, bytes, count);
  struct iovec part = {(void *)bytes, count};
  return written(fd, file, &part, 1, -1);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) {
  struct file *file = file_at(fd);
  if (file == NULL) return real_pwrite64(fd, bytes, count, at);
  struct iovec part = {(void *)bytes, count};
  return written(fd, file, &part, 1, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  return pwrite64(fd, bytes, count, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  struct file *file = file_at(fd);
  return file == NULL ? real_writev(fd, parts, count) : written(fd, file, parts, count, -1);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) {
  struct file *file = file_at(fd);
  return file == NULL ? real_pwritev64(fd, parts, count, at)
                      : written(fd, file, parts, count, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  return pwritev64(fd, parts, count, at);
}

int ftruncate64(int fd, off_t length) {
  struct file *file = file_at(fd);
  if (file == NULL) return real_ftruncate64(fd, length);
  pthread_mutex_lock(&lock);
  int result = -1;
  if (powered(file->disk->control)) {
    off_t before = length_of(fd);
    result = real_ftruncate64(fd, length);
    if (result == 0 && length > before) touched(file, before, length);
  }
  pthread_mutex_unlock(&lock);
  return result;
}

int ftruncate(int fd, off_t length) {
  return ftruncate64(fd, length);
}

/* Puts the bytes that were written since the last time where a power cut leaves them. */
static void put_by(struct file *file) {
  static char bytes[1 << 16];
  for (size_t i = 0; i < file->count; i++) {
    for (off_t at = file->dirty[i].from; at < file->dirty[i].to;) {
      off_t left = file->dirty[i].to - at;
      size_t want = left < (off_t)sizeof bytes ? (size_t)left : sizeof bytes;
      ssize_t got = pread64(file->reader, bytes, want, at);
      if (got <= 0) break;
      if (real_pwrite64(file->copy, bytes, (size_t)got, at) != got) abort();
      at += got;
    }
  }
  if (real_ftruncate64(file->copy, length_of(file->reader)) != 0) abort();
}

static void name_all(struct disk *disk) {
  for (struct file *each = files; each != NULL; each = each->next) {
    if (each->disk != disk || each->named) continue;
    char before[900], after[900];
    copy_path(each, 0, before, sizeof before);
    copy_path(each, 1, after, sizeof after);
    if (rename(before, after) != 0) abort();
    each->named = 1;
  }
}

static int flushed(struct file *file, struct disk *folder) {
  struct control *control = file != NULL ? file->disk->control : folder->control;
  pthread_mutex_lock(&lock);
  int result = -1;
  if (powered(control)) {
    if (control->until_fail > 0 && --control->until_fail == 0) {
      control->until_fail = -1;
      errno = EIO;
    } else {
      if (file != NULL) put_by(file);
      else name_all(folder);
      control->flushes++;
      result = 0;
    }
    if (file != NULL) file->count = 0;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

int fsync(int fd) {
  struct disk *folder = fd >= 0 && fd < fds ? folders[fd] : NULL;
  if (folder != NULL) return flushed(NULL, folder);
  struct file *file = file_at(fd);
  return file == NULL ? real_fsync(fd) : flushed(file, NULL);
}

int fdatasync(int fd) {
  struct file *file = file_at(fd);
  return file == NULL ? real_fdatasync(fd) : flushed(file, NULL);
}

/* With its control a disk is over. */
static void forget_disk(const char *path) {
  pthread_mutex_lock(&lock);
  for (struct disk **at = &disks; *at != NULL; at = &(*at)->next) {
    struct disk *disk = *at;
    size_t length = strlen(disk->path);
    if (strncmp(path, disk->path, length) != 0 || strcmp(path + length, ".control") != 0) continue;
    *at = disk->next;
    munmap(disk->control, sizeof *disk->control);
    free(disk);
    break;
  }
  pthread_mutex_unlock(&lock);
}

/* What is deleted is gone at once: harsher disks bring it back, and SQLite bears that. */
int unlink(const char *path) {
  forget_disk(path);
  const char *name = "";
  struct disk *disk = path[0] == '/' ? disk_of(path, &name) : NULL;
  if (disk == NULL || *name == 0) return real_unlink(path);
  if (disk->control->off) {
    errno = EIO;
    return -1;
  }
  pthread_mutex_lock(&lock);
  struct file *file = known(path);
  if (file != NULL) {
    char copy[900];
    copy_path(file, file->named, copy, sizeof copy);
    real_unlink(copy);
    forget(file);
  }
  pthread_mutex_unlock(&lock);
  return real_unlink(path);
}
