"""Uploaded files go straight to the data directory: ``/tmp`` may be memory."""

from typing import IO, Any

from flask import Request

ENDPOINT = "imports.upload"  # whose view reads its body itself, once it knows who is asking


class UploadRequest(Request):
    """Flask's request. A view that takes a file sets ``receives`` to a file opened for writing."""

    receives: IO[bytes] | None = None

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return self.receives or super()._get_file_stream(total_content_length, content_type, filename, content_length)

    def accept(self, file: IO[bytes], largest: int, stream: Any) -> None:
        """Read a form of at most ``largest`` bytes from ``stream``; its only file is written to ``file``."""
        self.receives, self.max_content_length = file, largest
        self.environ["wsgi.input"] = stream
