"""gzip bombs that cost next to nothing to make."""

import gzip
import zlib

MB = 1024 * 1024


def bomb(megabytes: int) -> bytes:
    """Make a gzip stream of so many megabytes of zeros, whose end is missing: nobody should ever get there."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    # Flushed fully, a block refers to nothing before it, and can be repeated as it stands.
    block = packer.compress(bytes(MB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + block * megabytes


def many_members(megabytes: int) -> bytes:
    """Make so many gzip streams of a megabyte of zeros each, one behind the other."""
    return gzip.compress(bytes(MB)) * megabytes


def tiny_members(count: int) -> bytes:
    """Make so many gzip streams of two bytes each: what is kept of them must not cost more than they are long."""
    return gzip.compress(b"[]", mtime=0) * count
