"""Parquet as a stream: frames that are made one at a time in, bytes out, row group by row group."""

from collections.abc import Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import IO, Final, cast

import polars as pl
from polars.io.plugins import register_io_source

ROW_GROUP: Final = 20_000
_WAITING_CHUNKS: Final = 64
_PATIENCE: Final = 0.1


class _GoneError(Exception):
    """Nobody reads any more: stops the writer from the inside."""


def parquet_chunks(frames: Iterator[pl.DataFrame], schema: pl.Schema) -> Iterator[bytes]:
    """The bytes of a Parquet file of the frames, each with the schema; what making a frame raises is raised here.

    Frames are made in another thread, while the bytes are read in this one; memory holds a few frames. When this
    iterator is closed early, no further frame is made.
    """
    pipe = _Pipe()
    writer = Thread(target=pipe.fill, args=(frames, schema), name="parquet", daemon=True)
    writer.start()
    try:
        yield from pipe.chunks()
    finally:
        pipe.is_closed.set()
        writer.join()


class _Pipe:
    """The file that polars writes to, and at its other end the chunks."""

    def __init__(self) -> None:
        self.is_closed = Event()
        self._chunks: Queue[bytes | BaseException | None] = Queue(_WAITING_CHUNKS)

    def fill(self, frames: Iterator[pl.DataFrame], schema: pl.Schema) -> None:
        """Write all frames; the end, or the error that ended it, goes through the pipe too."""
        end: BaseException | None = None
        try:
            source = register_io_source(lambda *_: self._while_open(frames), schema=schema)
            source.sink_parquet(cast("IO[bytes]", self), row_group_size=ROW_GROUP)
        except BaseException as error:  # noqa: BLE001 - raised again by the reader
            end = error
        if not self.is_closed.is_set():
            self._put(end)

    def chunks(self) -> Iterator[bytes]:
        """What was written, until its end."""
        while (chunk := self._chunks.get()) is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk

    def write(self, data: bytes) -> int:
        """As a file's."""
        self._put(data)
        return len(data)

    def flush(self) -> None:
        """As a file's; everything is on its way already."""

    def _while_open(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for frame in frames:
            if self.is_closed.is_set():
                raise _GoneError
            yield frame

    def _put(self, item: bytes | BaseException | None) -> None:
        while True:
            if self.is_closed.is_set():
                raise _GoneError
            try:
                return self._chunks.put(item, timeout=_PATIENCE)
            except Full:
                continue
