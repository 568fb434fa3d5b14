"""Several files read at once.

Computes
    read_files    the first bytes of each regular file; None for one that is none, or cannot be read
Shapes
    paths are bytes, as the system takes them; one limit for each
Complexity
    O(bytes read), four calls of the system a file, and none to the interpreter between them
Source
    POSIX.1-2017: open, fstat, read, close

What is wrong with a file that comes back as None is for the careful reader in segbench/datasets/files.py to find.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc, realloc

cdef extern from "<fcntl.h>" nogil:
    int open(const char *path, int flags)
    int O_RDONLY, O_NONBLOCK, O_NOFOLLOW, O_CLOEXEC

cdef extern from "<sys/stat.h>" nogil:
    ctypedef struct status "struct stat":
        unsigned int st_mode
        int64_t st_size
    int fstat(int descriptor, status *buffer)
    bint S_ISREG(unsigned int mode)

cdef extern from "<unistd.h>" nogil:
    Py_ssize_t read(int descriptor, void *buffer, size_t count)
    int close(int descriptor)

ctypedef struct pile:
    # The files one behind the other.
    char *bytes
    size_t used
    size_t size


cdef bint has_room(pile *heap, size_t more) noexcept nogil:
    cdef char *grown
    if heap.used + more > heap.size:
        grown = <char *>realloc(heap.bytes, 2 * heap.size + more)
        if grown == NULL:
            return False
        heap.bytes, heap.size = grown, 2 * heap.size + more
    return True


cdef Py_ssize_t read_open(int descriptor, int64_t most, pile *heap) noexcept nogil:
    cdef status found
    cdef Py_ssize_t wanted, done, n
    if fstat(descriptor, &found) != 0 or not S_ISREG(found.st_mode):
        return -1
    wanted, done = min(found.st_size, most), 0
    if not has_room(heap, wanted):
        return -1
    while done < wanted:
        n = read(descriptor, heap.bytes + heap.used + done, wanted - done)
        if n < 0:
            return -1
        if n == 0:
            break
        done += n
    heap.used += done
    return done


cdef Py_ssize_t read_one(const char *path, int64_t most, bint follow, pile *heap) noexcept nogil:
    """Put a file on the pile and return its length, or -1."""
    cdef Py_ssize_t length
    cdef int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | (0 if follow else O_NOFOLLOW))
    if descriptor < 0:
        return -1
    length = read_open(descriptor, most, heap)
    close(descriptor)
    return length


def read_files(list paths, const int64_t[::1] most, bint follow):
    """Return for each path at most so many bytes of a regular file, or None."""
    cdef Py_ssize_t n = len(paths)
    cdef Py_ssize_t i
    cdef bytes path
    cdef size_t at = 0
    cdef list contents = []
    cdef pile heap
    cdef const char **names = <const char **>malloc(n * sizeof(char *) + 1)
    cdef Py_ssize_t *lengths = <Py_ssize_t *>malloc(n * sizeof(Py_ssize_t) + 1)
    heap.bytes, heap.used, heap.size = NULL, 0, 0
    try:
        if names == NULL or lengths == NULL:
            raise MemoryError
        for i in range(n):
            path = paths[i]
            names[i] = path
        with nogil:
            for i in range(n):
                lengths[i] = read_one(names[i], most[i], follow, &heap)
        for i in range(n):
            if lengths[i] < 0:
                contents.append(None)
            else:
                contents.append(PyBytes_FromStringAndSize(heap.bytes + at, lengths[i]))
                at += lengths[i]
        return contents
    finally:
        free(names)
        free(lengths)
        free(heap.bytes)
