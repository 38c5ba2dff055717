/* Writes down, in one order, what processes do to the files below a folder: for tests/doubles/power_cut.py.
 *
 * Loaded before the C library (LD_PRELOAD). Each call is made first and written down then, with what it wrote, so
 * that nothing stands in the trace that has not happened. A flush is written down twice, when it begins and when
 * it has ended: it vouches for what was written before it began, once it has ended, and for nothing else.
 *
 *   POWER_CUT_ROOT    the folder, as the kernel names it
 *   POWER_CUT_TRACE   the file that the trace is appended to, which is not below it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct event {
    char kind[4];
    uint32_t length; /* of what follows: bytes written, or names */
    uint64_t file;   /* inode */
    int64_t first;   /* offset (-1: the end), size or flags */
    int64_t second;  /* length, or the thread that flushes */
};

static int trace = -1;
static char root[PATH_MAX];
static size_t root_length;

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("POWER_CUT_ROOT"), *file = getenv("POWER_CUT_TRACE");
    if (!folder || !file)
        return;
    root_length = (size_t)snprintf(root, sizeof root, "%s/", folder);
    trace = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
    if (trace < 0)
        abort();
}

static void note(const char *kind, uint64_t file, int64_t first, int64_t second, const void *more, size_t length) {
    struct event event = {.length = (uint32_t)length, .file = file, .first = first, .second = second};
    struct iovec parts[2] = {{&event, sizeof event}, {(void *)more, length}};
    int kept = errno;
    memcpy(event.kind, kind, 4);
    if (syscall(SYS_writev, trace, parts, 2) != (long)(sizeof event + length))
        abort(); /* a trace with a hole would tell of another disk */
    errno = kept;
}

/* Whether a path is below the folder, or the folder itself. */
static int is_below(const char *path) {
    return strncmp(path, root, root_length) == 0 || (strlen(path) == root_length - 1 && !memcmp(path, root, root_length - 1));
}

/* The inode behind a handle if it is below the folder, else 0. */
static uint64_t watched(int handle) {
    char link[64], path[PATH_MAX];
    struct stat status;
    int kept = errno;
    uint64_t found = 0;
    if (trace >= 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length > 0) {
            path[length] = 0;
            if (is_below(path) && fstat(handle, &status) == 0)
                found = status.st_ino;
        }
    }
    errno = kept;
    return found;
}

/* The whole name of what is below the folder; 0 if it is not. */
static int whole(int folder, const char *path, char *found) {
    char link[64];
    ssize_t length = 0;
    if (trace < 0)
        return 0;
    if (path[0] != '/') {
        if (folder == AT_FDCWD)
            snprintf(link, sizeof link, "/proc/self/cwd");
        else
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        length = readlink(link, found, PATH_MAX - 2);
        if (length <= 0)
            return 0;
        found[length++] = '/';
    }
    if ((size_t)length + strlen(path) >= PATH_MAX)
        return 0;
    strcpy(found + length, path);
    return is_below(found);
}

static uint64_t inode_of(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 ? status.st_ino : 0;
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    char name[PATH_MAX];
    int kept = errno;
    int handle = (int)syscall(SYS_openat, folder, path, flags, mode);
    if (handle >= 0 && (flags & (O_CREAT | O_TRUNC)) && (flags & O_TMPFILE) != O_TMPFILE) {
        errno = kept;
        if (whole(folder, path, name))
            note("OPEN", watched(handle), (flags & O_TRUNC) != 0, 0, name, strlen(name));
    }
    return handle;
}

#define WITH_MODE(last) \
    mode_t mode = 0; \
    if (last & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, last); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) { WITH_MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { WITH_MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { WITH_MODE(flags) return opened(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { WITH_MODE(flags) return opened(folder, path, flags, mode); }

static ssize_t wrote(int handle, const void *content, ssize_t length, int64_t offset) {
    uint64_t file = length > 0 ? watched(handle) : 0;
    if (file)
        note("WRIT", file, offset, 0, content, (size_t)length);
    return length;
}

ssize_t pwrite64(int handle, const void *content, size_t length, off64_t offset) {
    return wrote(handle, content, syscall(SYS_pwrite64, handle, content, length, offset), offset);
}
ssize_t pwrite(int handle, const void *content, size_t length, off_t offset) {
    return pwrite64(handle, content, length, offset);
}
ssize_t write(int handle, const void *content, size_t length) {
    ssize_t done = syscall(SYS_write, handle, content, length);
    if (done > 0 && watched(handle)) {
        int appends = fcntl(handle, F_GETFL) & O_APPEND; /* its place is told by the order */
        wrote(handle, content, done, appends ? -1 : lseek(handle, 0, SEEK_CUR) - done);
    }
    return done;
}

int ftruncate64(int handle, off64_t size) {
    int failed = (int)syscall(SYS_ftruncate, handle, size);
    uint64_t file = failed ? 0 : watched(handle);
    if (file)
        note("TRUN", file, size, 0, "", 0);
    return failed;
}
int ftruncate(int handle, off_t size) { return ftruncate64(handle, size); }

int posix_fallocate64(int handle, off64_t offset, off64_t length) {
    int kept = errno, failed = syscall(SYS_fallocate, handle, 0, offset, length) ? errno : 0;
    uint64_t file = failed ? 0 : watched(handle);
    errno = kept; /* it is returned instead */
    if (file)
        note("ALLO", file, offset, length, "", 0);
    return failed;
}
int posix_fallocate(int handle, off_t offset, off_t length) { return posix_fallocate64(handle, offset, length); }

static int flushed(int handle, long call) {
    uint64_t file = watched(handle);
    if (file)
        note("FLUS", file, 0, gettid(), "", 0);
    int failed = (int)syscall(call, handle);
    if (file && !failed)
        note("DONE", file, 0, gettid(), "", 0);
    return failed;
}
int fsync(int handle) { return flushed(handle, SYS_fsync); }
int fdatasync(int handle) { return flushed(handle, SYS_fdatasync); }

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    char names[2 * PATH_MAX + 1];
    int failed = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
    if (!failed && whole(from_folder, from, names)) {
        size_t first = strlen(names) + 1;
        if (whole(to_folder, to, names + first))
            note("NAME", inode_of(names + first), 0, 0, names, first + strlen(names + first));
    }
    return failed;
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int unlinkat(int folder, const char *path, int flags) {
    char name[PATH_MAX];
    int failed = (int)syscall(SYS_unlinkat, folder, path, flags);
    if (!failed && whole(folder, path, name))
        note("GONE", 0, 0, 0, name, strlen(name));
    return failed;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int folder, const char *path, mode_t mode) {
    char name[PATH_MAX];
    int failed = (int)syscall(SYS_mkdirat, folder, path, mode);
    if (!failed && whole(folder, path, name))
        note("FOLD", inode_of(name), 0, 0, name, strlen(name));
    return failed;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
