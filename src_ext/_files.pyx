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
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

include "files.pxi"


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
