"""What two kernels know of regular files: opened without waiting, and read to a limit; see _files.pyx."""

from libc.stdint cimport int64_t
from libc.stdlib cimport realloc

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
    # Renamed: png.pxi has a `read` of its own.
    Py_ssize_t read_some "read"(int descriptor, void *buffer, size_t count)
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
        n = read_some(descriptor, heap.bytes + heap.used + done, wanted - done)
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
