// Makes one system call of a program fail, for scripts/fuzz/faults.py: preloaded (LD_PRELOAD), it stands in front of the C
// library's functions.
//
//     LOWRANK_FAULT=CALL:N:HOW      the N-th CALL, counted from 1, fails
//     LOWRANK_FAULT=CALL:N+:HOW     and so does every one behind it
//     LOWRANK_FAULT_COUNTS=FILE     at the end FILE gets a line for each call: its name and how many there were
//
// HOW is an errno, or kill: the process is killed where the call would be. Only calls on regular files and folders count,
// and of those none on /proc, /sys and /dev: what is written to a terminal or a pipe is another matter.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum call { OPEN, READ, WRITE, FSYNC, LINK, RENAME, UNLINK, FCHMOD, MKDIR, FSTAT, MMAP, MALLOC, CALLS };

static const char *const names[CALLS] = {"open",   "read",   "write", "fsync", "link", "rename",
                                         "unlink", "fchmod", "mkdir", "fstat", "mmap", "malloc"};
static atomic_long counts[CALLS];
static int chosen = -1, fails_on, failure;
static long place;

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("LOWRANK_FAULT");
  if (!text) return;
  char name[16], sign = 0, how[16];
  if (sscanf(text, "%15[a-z]:%ld%c", name, &place, &sign) < 3) return;
  const char *last = strrchr(text, ':');
  strncpy(how, last + 1, sizeof how - 1);
  how[sizeof how - 1] = 0;
  fails_on = sign == '+';
  failure = strcmp(how, "kill") == 0 ? 0 : atoi(how);
  for (int call = 0; call < CALLS; ++call)
    if (strcmp(names[call], name) == 0) chosen = call;
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("LOWRANK_FAULT_COUNTS");
  if (!path) return;
  chosen = -1;
  FILE *file = fopen(path, "w");
  if (!file) return;
  for (int call = 0; call < CALLS; ++call) fprintf(file, "%s %ld\n", names[call], (long)counts[call]);
  fclose(file);
}

// Counts a call; whether it is to fail, then with errno.
static int fails(enum call call) {
  long number = ++counts[call];
  if ((int)call != chosen || (fails_on ? number < place : number != place)) return 0;
  if (failure == 0) kill(getpid(), SIGKILL);
  errno = failure;
  return 1;
}

static int is_system(const char *path) {
  return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0 || strncmp(path, "/dev/", 5) == 0;
}

static int is_file(int descriptor) {
  struct stat status;
  struct statfs system;
  if (fstatfs(descriptor, &system) == 0 && (system.f_type == PROC_SUPER_MAGIC || system.f_type == SYSFS_MAGIC)) return 0;
  static int (*real)(int, struct stat *);
  if (!real) real = (int (*)(int, struct stat *))dlsym(RTLD_NEXT, "fstat");
  return real(descriptor, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

#define REAL(name, result, ...)                                                      \
  static result (*real)(__VA_ARGS__);                                                \
  if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static mode_t mode_of(int flags, va_list list) {
  return flags & (O_CREAT | __O_TMPFILE) ? (mode_t)va_arg(list, int) : 0;
}

#define OPENS(function)                                                              \
  int function(const char *path, int flags, ...) {                                   \
    va_list list;                                                                    \
    va_start(list, flags);                                                           \
    mode_t mode = mode_of(flags, list);                                              \
    va_end(list);                                                                    \
    REAL(#function, int, const char *, int, ...);                                    \
    return !is_system(path) && fails(OPEN) ? -1 : real(path, flags, mode);           \
  }
OPENS(open)
OPENS(open64)

ssize_t read(int descriptor, void *bytes, size_t count) {
  REAL("read", ssize_t, int, void *, size_t);
  return is_file(descriptor) && fails(READ) ? -1 : real(descriptor, bytes, count);
}

#define PREADS(function, offset)                                                     \
  ssize_t function(int descriptor, void *bytes, size_t count, offset at) {           \
    REAL(#function, ssize_t, int, void *, size_t, offset);                           \
    return is_file(descriptor) && fails(READ) ? -1 : real(descriptor, bytes, count, at); \
  }
PREADS(pread, off_t)
PREADS(pread64, off64_t)

ssize_t write(int descriptor, const void *bytes, size_t count) {
  REAL("write", ssize_t, int, const void *, size_t);
  return is_file(descriptor) && fails(WRITE) ? -1 : real(descriptor, bytes, count);
}

int fsync(int descriptor) {
  REAL("fsync", int, int);
  return fails(FSYNC) ? -1 : real(descriptor);
}

int link(const char *from, const char *to) {
  REAL("link", int, const char *, const char *);
  return fails(LINK) ? -1 : real(from, to);
}

int linkat(int folder, const char *from, int other, const char *to, int flags) {
  REAL("linkat", int, int, const char *, int, const char *, int);
  return fails(LINK) ? -1 : real(folder, from, other, to, flags);
}

int rename(const char *from, const char *to) {
  REAL("rename", int, const char *, const char *);
  return fails(RENAME) ? -1 : real(from, to);
}

int unlink(const char *path) {
  REAL("unlink", int, const char *);
  return fails(UNLINK) ? -1 : real(path);
}

int fchmod(int descriptor, mode_t mode) {
  REAL("fchmod", int, int, mode_t);
  return fails(FCHMOD) ? -1 : real(descriptor, mode);
}

int mkdir(const char *path, mode_t mode) {
  REAL("mkdir", int, const char *, mode_t);
  return fails(MKDIR) ? -1 : real(path, mode);
}

int fstat(int descriptor, struct stat *status) {
  REAL("fstat", int, int, struct stat *);
  return is_file(descriptor) && fails(FSTAT) ? -1 : real(descriptor, status);
}

void *mmap(void *place_wanted, size_t count, int protection, int flags, int descriptor, off_t at) {
  REAL("mmap", void *, void *, size_t, int, int, int, off_t);
  return fails(MMAP) ? MAP_FAILED : real(place_wanted, count, protection, flags, descriptor, at);
}

// The C library's own, as dlsym may ask for memory itself.
extern void *__libc_malloc(size_t);

void *malloc(size_t count) { return fails(MALLOC) ? NULL : __libc_malloc(count); }
